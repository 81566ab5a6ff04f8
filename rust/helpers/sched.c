// SPDX-License-Identifier: GPL-2.0

#include <linux/jiffies.h>
#include <linux/sched.h>

__rust_helper void rust_helper_cond_resched_(void)
{
	cond_resched();
}

#if BITS_PER_LONG == 64
__rust_helper u64 rust_helper_get_jiffies_64(void)
{
	return get_jiffies_64();
}
#endif
