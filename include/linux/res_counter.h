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
#include <linux/spinlock.h>
#include <linux/types.h>

struct res_counter {
	/* Read by every charge that reaches the counter, rarely written. */
	struct res_counter *parent;
	unsigned long limit;
	/* Protected from reclaim: always, and as long as others have something. */
	unsigned long min;
	unsigned long low;
	/* What of that holds, as reclaim last found. */
	unsigned long emin;
	unsigned long elow;

	/* Written by every charge that reaches the counter. */
	unsigned long usage ____cacheline_aligned_in_smp;
	unsigned long watermark;
	unsigned long local_watermark;
	unsigned long failcnt;
	/* Protected usage; that of the children, summed up. */
	unsigned long min_usage;
	unsigned long low_usage;
	unsigned long children_min_usage;
	unsigned long children_low_usage;
};

/* Open files, each of which shows the most since it was last written to. */
struct res_counter_peaks {
	/* Protects the list, and the restart of the local watermark. */
	spinlock_t lock;
	struct list_head files;
};

#endif /* _LINUX_RES_COUNTER_H */
