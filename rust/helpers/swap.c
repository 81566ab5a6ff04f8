// SPDX-License-Identifier: GPL-2.0

#include <linux/swap.h>

__rust_helper long rust_helper_get_nr_swap_pages(void)
{
	return get_nr_swap_pages();
}

__rust_helper bool rust_helper_vm_swap_full(void)
{
	return vm_swap_full();
}

__rust_helper long rust_helper_get_total_swap_pages(void)
{
	return total_swap_pages;
}
