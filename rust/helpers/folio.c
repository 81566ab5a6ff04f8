// SPDX-License-Identifier: GPL-2.0

#include <linux/mm.h>
#include <linux/mm_inline.h>

#include "../../mm/internal.h"

__rust_helper unsigned long rust_helper_folio_nr_pages(const struct folio *folio)
{
	return folio_nr_pages(folio);
}

__rust_helper int rust_helper_folio_nid(const struct folio *folio)
{
	return folio_nid(folio);
}

__rust_helper bool rust_helper_folio_test_locked(struct folio *folio)
{
	return folio_test_locked(folio);
}

__rust_helper int rust_helper_folio_ref_count(struct folio *folio)
{
	return folio_ref_count(folio);
}

__rust_helper bool rust_helper_folio_test_lru(struct folio *folio)
{
	return folio_test_lru(folio);
}

__rust_helper bool rust_helper_folio_test_swapcache(struct folio *folio)
{
	return folio_test_swapcache(folio);
}

__rust_helper bool rust_helper_folio_test_anon(struct folio *folio)
{
	return folio_test_anon(folio);
}

__rust_helper bool rust_helper_folio_test_hugetlb(struct folio *folio)
{
	return folio_test_hugetlb(folio);
}

__rust_helper bool rust_helper_folio_test_swapbacked(struct folio *folio)
{
	return folio_test_swapbacked(folio);
}

__rust_helper bool rust_helper_folio_test_pmd_mappable(struct folio *folio)
{
	return folio_test_pmd_mappable(folio);
}

__rust_helper bool rust_helper_folio_unqueue_deferred_split(struct folio *folio)
{
	return folio_unqueue_deferred_split(folio);
}

__rust_helper void rust_helper_folio_put(struct folio *folio)
{
	folio_put(folio);
}

/* How many of its pages are mapped, as NR_ANON_MAPPED counts them. */
__rust_helper unsigned long rust_helper_folio_nr_anon_mapped(struct folio *folio)
{
	if (!folio_test_large(folio) || IS_ENABLED(CONFIG_NO_PAGE_MAPCOUNT) ||
	    folio_entire_mapcount(folio) > 0)
		return folio_mapped(folio) ? folio_nr_pages(folio) : 0;
	return folio_nr_pages_mapped(folio);
}

/* The list of @lruvec that @folio, which is on one, counts as being on. */
__rust_helper enum lru_list rust_helper_folio_counted_lru(struct folio *folio,
							  struct lruvec *lruvec)
{
#ifdef CONFIG_LRU_GEN
	int gen = folio_lru_gen(folio);

	if (gen >= 0)
		return folio_is_file_lru(folio) * LRU_FILE +
		       lru_gen_is_active(lruvec, gen) * LRU_ACTIVE;
#endif
	return folio_lru_list(folio);
}

#ifdef CONFIG_LRU_GEN
/* As which type @folio is in a generation, or -1 if it is in none. */
__rust_helper int rust_helper_folio_gen_type(struct folio *folio)
{
	return folio_lru_gen(folio) < 0 ? -1 : folio_is_file_lru(folio);
}
#endif
