/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the Rust side of memctl needs of C beyond the public headers. Included
 * by rust/bindings/bindings_helper.h alone.
 */
#ifndef __MM_MEMCTL_BINDINGS_H
#define __MM_MEMCTL_BINDINGS_H

#include <linux/backing-dev.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/memory_hotplug.h>
#include <linux/mm_inline.h>
#include <linux/oom.h>
#include <linux/psi.h>
#include <linux/seq_file.h>
#include <linux/swap.h>
#include <linux/vmpressure.h>
#include <linux/vmstat.h>
#include <linux/zswap.h>
#include <net/sock.h>
#include <trace/events/memcg.h>
#include <trace/events/memctl.h>
#include "../internal.h"
#include "../slab.h"
#include "../swap.h"
#include "memctl.h"

/* Macros that bindgen cannot evaluate. */
const gfp_t RUST_CONST_HELPER___GFP_NOFAIL = __GFP_NOFAIL;
const gfp_t RUST_CONST_HELPER___GFP_HIGH = __GFP_HIGH;
const gfp_t RUST_CONST_HELPER___GFP_NORETRY = __GFP_NORETRY;
const gfp_t RUST_CONST_HELPER___GFP_RETRY_MAYFAIL = __GFP_RETRY_MAYFAIL;
const gfp_t RUST_CONST_HELPER___GFP_DIRECT_RECLAIM = __GFP_DIRECT_RECLAIM;
const gfp_t RUST_CONST_HELPER___GFP_RECLAIM = __GFP_RECLAIM;

#endif /* __MM_MEMCTL_BINDINGS_H */
