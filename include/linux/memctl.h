/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memctl - the memory controller in Rust: its types as the rest of the kernel
 * sees them. Included by <linux/memcontrol.h> in place of the structures of the
 * C controller; never include it directly.
 *
 * Code outside mm/memctl/ may use of these structures what the inlines of
 * <linux/memcontrol.h> and the callers of the C controller use: css, id.id,
 * kmemcg_id, swappiness, vmpressure, socket_pressure, tcpmem_pressure,
 * mm_list, cgwb_list, nodeinfo[]->{memcg,lruvec,shrinker_info,lru_zone_size},
 * and obj_cgroup's refcnt, memcg and is_root. The rest is private.
 */
#ifndef _LINUX_MEMCTL_H
#define _LINUX_MEMCTL_H

#include <linux/jump_label.h>
#include <linux/llist.h>
#include <linux/res_counter.h>

static inline bool mem_cgroup_disabled(void);

#define MEM_CGROUP_ID_SHIFT	16

/* As many as there are in mm/memctl/c/items.rs, which checks that. */
enum {
	MEMCTL_NR_RARE_EVENTS = 8 + 2 * IS_ENABLED(CONFIG_SWAP) +
				IS_ENABLED(CONFIG_ZSWAP) +
				4 * IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) +
				3 * IS_ENABLED(CONFIG_NUMA_BALANCING),
	MEMCTL_NR_MEMCG_COUNTS = 9 + 5 * IS_ENABLED(CONFIG_ZSWAP) +
				 MEMCTL_NR_RARE_EVENTS,
	MEMCTL_NR_RARE_ITEMS = 28 + IS_ENABLED(CONFIG_NUMA_BALANCING) +
			       IS_ENABLED(CONFIG_HUGETLB_PAGE),
	MEMCTL_NR_NODE_COUNTS = 17 + IS_ENABLED(CONFIG_SWAP) +
				MEMCTL_NR_RARE_ITEMS + NR_LRU_LISTS,
};

/*
 * An id that outlives its container, as long as swap entries hold it; shadow entries
 * have it as well.
 */
struct mem_cgroup_private_id {
	int id;
	refcount_t ref;
};

#ifdef CONFIG_CGROUP_WRITEBACK
#define MEMCTL_NR_FOREIGN	4

/*
 * A note that pages of a container are written back for another one: by which
 * writeback, and when it was made. mm/memctl/c/foreign.rs.
 */
struct memctl_foreign {
	u64 bdi_id;
	u64 at;
	int memcg_id;
	/* What is under way; mem_cgroup is not freed before. */
	struct wb_completion done;
};
#endif

/* Counters of which every CPU has its own; rust/kernel/percpu/rows.rs. */
struct percpu_rows {
	void __percpu *base;
	/* Rows that have changed, and who has some, too. */
	void *changed;
	struct percpu_rows *next;
	s8 listed;
	s8 found;
	u16 watched;
	u32 claims;
};

/*
 * The owner handle: what the folios and the kernel memory of one container on one
 * node point at. On rmdir @memcg is changed to the parent, and all have moved.
 */
struct obj_cgroup {
	struct percpu_ref refcnt;
	/*
	 * The container, and its share of the node of the folios. Changed under
	 * cgroup_mutex and the lru_lock of the node; read by RCU.
	 */
	struct mem_cgroup *memcg;
	struct mem_cgroup_per_node *node;
	union {
		/* Under memctl_objcg_lock. */
		struct list_head list;
		struct rcu_head rcu;
	};
	/* When the last reference has gone, until @list is left. */
	struct llist_node released;
	/* Folios of the root container are tracked, not charged. */
	bool is_root;
};

/* With a reference, or NULL; mm/memctl/hooks/kmem.rs. */
struct obj_cgroup *get_obj_cgroup_from_current(void);

/* A container's share of one NUMA node; mm/memctl/c/node.rs. */
struct mem_cgroup_per_node {
	/* Read-mostly. */
	struct mem_cgroup	*memcg;
	struct obj_cgroup __rcu	*objcg;
	int			nid;
	/* A size of a list has changed, and has not been carried up yet. */
	u32			lru_changed;
	struct percpu_rows	rows;
	/* Keeps the handle's memory until the container is freed. */
	struct obj_cgroup	*orig_objcg;
	struct shrinker_info __rcu *shrinker_info;
	/* Handles inherited from removed children. */
	struct list_head	objcg_list;
	/* Where the reclaimers that share a walk are, and round trips completed. */
	struct mem_cgroup	*position;
	atomic_t		generation;
	/* Sizes of the lists as they were carried up last. */
	u32			lru_seen[NR_LRU_LISTS];
	/* What there is here alone, on cgroup v1; written as @totals. */
	long			*local;

	/* Written under lruvec.lru_lock. */
	CACHELINE_PADDING(_pad1_);
	struct lruvec		lruvec;
	/* Sizes over all zones; kept for the generational LRU, too. */
	unsigned long		lru_size[NR_LRU_LISTS];
	CACHELINE_PADDING(_pad2_);
	unsigned long		lru_zone_size[MAX_NR_ZONES][NR_LRU_LISTS];

	/*
	 * What is counted once for all CPUs and has not been carried up yet;
	 * mm/memctl/c/counts.rs.
	 */
	u32			rare_changed;
	u32			rare[MEMCTL_NR_RARE_ITEMS];
	/* Written by who carries counts up: what there is here and below. */
	long			totals[MEMCTL_NR_NODE_COUNTS];
};

/*
 * What mm/memctl/ alone looks at, but for the inlines below. Rust has a type of
 * the same layout, mm/memctl/c/state.rs, and checks that it is.
 */
struct memctl_state {
	/* Read on every charge and every statistics update. */
	struct percpu_rows rows ____cacheline_aligned_in_smp;
	/* Pages, in memory and in swap space. Beyond high, those who charge are slowed. */
	unsigned long high;
	unsigned long swap_high;
	/* When a process was killed for want of room, the low half of jiffies. */
	u32 oom_killed;
	/* When victims of that were seen last. */
	u32 oom_looked;
	/* Tasks that wait for an out-of-memory situation here to be resolved. */
	int oom_waiters;
	/* They are to be woken by an interrupt: whether @oom_woken is on its list. */
	atomic_t oom_waking;
	struct llist_node oom_woken;
	bool oom_kill_disable;
	/* All processes are killed together. */
	bool oom_group;
	/* Pages of files that others give up, and that are used here, become its. */
	bool takes_over;
#ifdef CONFIG_ZSWAP
	/* What zswap holds may be written to the swap device. */
	bool zswap_writeback;
	/* Pages, compressed. */
	unsigned long zswap_max;
#endif
	struct res_counter_peaks peaks;
	struct res_counter_peaks swap_peaks;
	long *local;

	struct res_counter memory;
	/* Swap space; on cgroup v1 memory and swap space together. */
	struct res_counter swap;
	/* What only cgroup v1 has; mm/memctl/c/v1.rs. */
	void *v1;

	/* memory.events, memory.events.local, and memory.swap.events */
	struct cgroup_file events_file;
	struct cgroup_file events_local_file;
	struct cgroup_file swap_events_file;
	long memory_events[MEMCG_NR_MEMORY_EVENTS];
	long memory_events_local[MEMCG_NR_MEMORY_EVENTS];

	/* As in struct mem_cgroup_per_node. */
	u32 rare_changed;
	u32 rare[MEMCTL_NR_RARE_EVENTS];
	long totals[MEMCTL_NR_MEMCG_COUNTS];
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct mem_cgroup_private_id id;

	/* mm/memctl/c/state.rs. */
	struct memctl_state state;

	int kmemcg_id;
	int swappiness;
	/* On cgroup v1: sockets were refused memory last. */
	int tcpmem_pressure;
	u64 socket_pressure;
#if BITS_PER_LONG < 64
	seqlock_t socket_pressure_seqlock;
#endif

	struct vmpressure vmpressure;
#ifdef CONFIG_CGROUP_WRITEBACK
	/* Those who write for this container; mm/backing-dev.c. */
	struct list_head cgwb_list;
	struct wb_domain cgwb_domain;
	struct memctl_foreign foreign[MEMCTL_NR_FOREIGN];
#endif
#ifdef CONFIG_LRU_GEN_WALKS_MMU
	struct lru_gen_mm_list mm_list;
#endif

	struct mem_cgroup_per_node *nodeinfo[];
};

/* Pages charged in advance to a CPU, for one container; and for how many. */
#define MEMCG_CHARGE_BATCH 64U
#define MEMCTL_NR_STOCKS 15

extern struct mem_cgroup *root_mem_cgroup;

/* Tags of page->memcg_data; the values are known to crash and page-owner tools. */
enum page_memcg_data_flags {
	/* A vector of slab object extensions, not an owner handle. */
	MEMCG_DATA_OBJEXTS = (1UL << 0),
	/* A kernel page that is not slab. */
	MEMCG_DATA_KMEM = (1UL << 1),
	__NR_MEMCG_DATA_FLAGS  = (1UL << 2),
};

#define __OBJEXTS_ALLOC_FAIL	MEMCG_DATA_OBJEXTS
#define __FIRST_OBJEXT_FLAG	__NR_MEMCG_DATA_FLAGS

/*
 * Pages of files that reclaim takes from a container, and that only others use,
 * become theirs; mm/memctl/account/handover.rs.
 */
DECLARE_STATIC_KEY_TRUE(memcg_handover_key);

static inline bool mem_cgroup_hands_over(void)
{
	return static_branch_likely(&memcg_handover_key);
}

/*
 * The id of the container of @mm, which has used @folio, if it can take it over; 0
 * if not. @folio is locked.
 */
int mem_cgroup_taker(struct folio *folio, struct mm_struct *mm);

/*
 * Lets @folio, which was isolated to be freed, be of the container with the id
 * @taker. Says whether that was done. May sleep if @gfp says so.
 */
bool mem_cgroup_hand_over(struct folio *folio, int taker, gfp_t gfp);

/*
 * What is protected of @memcg in a reclaim of @root, as of the last
 * mem_cgroup_calculate_protection(), and how much it has. Nothing of @root itself
 * is protected from a reclaim of it.
 */
static inline void mem_cgroup_protection(struct mem_cgroup *root,
					 struct mem_cgroup *memcg,
					 unsigned long *min,
					 unsigned long *low,
					 unsigned long *usage)
{
	*min = 0;
	*low = 0;
	*usage = 0;
	if (mem_cgroup_disabled())
		return;

	*usage = READ_ONCE(memcg->state.memory.usage);
	if (root != memcg) {
		*min = READ_ONCE(memcg->state.memory.emin);
		*low = READ_ONCE(memcg->state.memory.elow);
	}
}

static inline bool mem_cgroup_unprotected(struct mem_cgroup *target,
					  struct mem_cgroup *memcg);

static inline bool mem_cgroup_below_low(struct mem_cgroup *target,
					struct mem_cgroup *memcg)
{
	return !mem_cgroup_unprotected(target, memcg) &&
	       READ_ONCE(memcg->state.memory.elow) >= READ_ONCE(memcg->state.memory.usage);
}

static inline bool mem_cgroup_below_min(struct mem_cgroup *target,
					struct mem_cgroup *memcg)
{
	return !mem_cgroup_unprotected(target, memcg) &&
	       READ_ONCE(memcg->state.memory.emin) >= READ_ONCE(memcg->state.memory.usage);
}

#endif /* _LINUX_MEMCTL_H */
