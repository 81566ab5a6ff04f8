// SPDX-License-Identifier: GPL-2.0

#include <linux/math64.h>
#include <linux/res_counter.h>

__rust_helper void
rust_helper_res_counter_peaks_init(struct res_counter_peaks *peaks)
{
	spin_lock_init(&peaks->lock);
	INIT_LIST_HEAD(&peaks->files);
}

__rust_helper u64 rust_helper_mul_u64_u64_div_u64(u64 a, u64 mul, u64 div)
{
	return mul_u64_u64_div_u64(a, mul, div);
}
