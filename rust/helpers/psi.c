// SPDX-License-Identifier: GPL-2.0

#include <linux/psi.h>

#ifndef CONFIG_PSI
__rust_helper void rust_helper_psi_memstall_enter(unsigned long *flags)
{
	psi_memstall_enter(flags);
}

__rust_helper void rust_helper_psi_memstall_leave(unsigned long *flags)
{
	psi_memstall_leave(flags);
}
#endif
