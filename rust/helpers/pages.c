// SPDX-License-Identifier: GPL-2.0

#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>

#include "../../mm/internal.h"
#include "../../mm/page_alloc.h"

__rust_helper void rust_helper_get_online_mems(void)
{
	get_online_mems();
}

__rust_helper void rust_helper_put_online_mems(void)
{
	put_online_mems();
}

__rust_helper struct page *rust_helper_pfn_to_online_page(unsigned long pfn)
{
	return pfn_to_online_page(pfn);
}

/* How many pages behind @pfn, which is not there, are not there either. */
__rust_helper unsigned long
rust_helper_pages_to_next_subsection(unsigned long pfn)
{
#ifdef CONFIG_SPARSEMEM_VMEMMAP
	return PAGES_PER_SUBSECTION - pfn % PAGES_PER_SUBSECTION;
#else
	return 1;
#endif
}

/* How many free pages begin with this one; a guess, for nothing is locked. */
__rust_helper unsigned long rust_helper_page_nr_free(struct page *page)
{
	unsigned int order;

	if (!PageBuddy(page))
		return 0;
	order = buddy_order_unsafe(page);
	return order <= MAX_PAGE_ORDER ? 1UL << order : 1;
}

__rust_helper struct folio *rust_helper_folio_get_nontail_page(struct page *page)
{
	return folio_get_nontail_page(page);
}

/*
 * What follows is of a page that nobody keeps: a guess, for it may be freed or
 * become another one at any time.
 */

__rust_helper unsigned long rust_helper_page_memcg_word(struct page *page)
{
#ifdef CONFIG_MEMCG
	return PageTail(page) ? 0 : READ_ONCE(page->memcg_data);
#else
	return 0;
#endif
}

/* How many pages were allocated together with this first one, as far as it says. */
__rust_helper unsigned long rust_helper_page_nr_compound(struct page *page)
{
	unsigned int order = 0;

	if (PageHead(page))
		order = folio_large_order((struct folio *)page);
	return order <= MAX_PAGE_ORDER ? 1UL << order : 1;
}

__rust_helper int rust_helper_page_nid(struct page *page)
{
	return page_to_nid(page);
}

__rust_helper bool rust_helper_page_is_table(struct page *page)
{
	return PageTable(page);
}

__rust_helper bool rust_helper_page_is_large_kmalloc(struct page *page)
{
	return PageLargeKmalloc(page);
}
