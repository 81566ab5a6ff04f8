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
