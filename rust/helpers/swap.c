// SPDX-License-Identifier: GPL-2.0

#include <linux/swap.h>

#include "../../mm/swap.h"

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

__rust_helper int rust_helper_get_vm_swappiness(void)
{
	return READ_ONCE(vm_swappiness);
}

__rust_helper void rust_helper_set_vm_swappiness(int value)
{
	WRITE_ONCE(vm_swappiness, value);
}
