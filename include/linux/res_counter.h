/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A resource counter: how much of something is in use, and how much may be.
 *
 * The type is written in Rust (rust/kernel/res_counter.rs), which documents it;
 * this is its layout for C structures that embed one.
 */
#ifndef _LINUX_RES_COUNTER_H
#define _LINUX_RES_COUNTER_H

#include <linux/cache.h>
#include <linux/types.h>

struct res_counter {
	/* Read by every charge that reaches the counter, rarely written. */
	struct res_counter *parent;
	unsigned long limit;

	/* Written by every charge that reaches the counter. */
	unsigned long usage ____cacheline_aligned_in_smp;
	unsigned long watermark;
	unsigned long failcnt;
};

#endif /* _LINUX_RES_COUNTER_H */
