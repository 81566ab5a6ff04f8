/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What shim.c and the Rust side of memctl define for each other.
 */
#ifndef __MM_MEMCTL_MEMCTL_H
#define __MM_MEMCTL_MEMCTL_H

#include <linux/cgroup-defs.h>
#include <linux/memcontrol.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

struct bdi_writeback;
struct percpu_ref;
struct file;
struct folio;
struct inode;
struct mutex;
struct task_struct;

/* Defined by shim.c. */

/*
 * Protects obj_cgroup.list and mem_cgroup_per_node.objcg_list. Any context but
 * NMI; taken outside the lru_lock.
 */
extern spinlock_t memctl_objcg_lock;

/* Frees a handle on which the last reference has gone. Any context, NMI included. */
void memctl_objcg_release(struct percpu_ref *ref);

/* Whether kernel memory is left out: cgroup.memory=nokmem. */
extern bool memctl_nokmem;

/* There is a container below the root, or will be. May sleep. */
void memctl_kmem_online(void);

/* Whether sockets are left out on cgroup v2: cgroup.memory=nosocket. */
extern bool memctl_nosocket;

/* There is a container more whose sockets are accounted, or less. May sleep. */
void memctl_sockets_get(void);
void memctl_sockets_put(void);

/* There is a container more below the root, or less. May sleep. */
void memctl_bpf_get(void);
void memctl_bpf_put(void);

/* From mem_cgroup_private_id to the container; written under its own lock. */
extern struct xarray memctl_ids;

/* The containers that have a stock on a CPU; two cache lines. */
struct memctl_stocks {
	struct mem_cgroup *containers[MEMCTL_NR_STOCKS];
	unsigned long next;
};
DECLARE_PER_CPU_ALIGNED(struct memctl_stocks, memctl_stocks);

/* One at a time sets a limit that must not be below the usage. */
extern struct mutex memctl_limit_mutex;

/*
 * How many tasks wait for an out-of-memory situation to be resolved, and how many
 * eventfds for usage to cross a threshold.
 */
extern int memctl_watchers;

/*
 * Wakes those who wait for @memcg, soon. Any context, NMI included, and under any
 * lock. @memcg is not freed before memctl_wake_sync() has returned, which may sleep.
 */
void memctl_wake_soon(struct mem_cgroup *memcg);
void memctl_wake_sync(void);

#ifdef CONFIG_CGROUP_WRITEBACK
/* Who waits for the writeback that notes have asked for. */
extern struct wait_queue_head memctl_foreign_waitq;

void memctl_trace_track_foreign(struct folio *folio, struct bdi_writeback *wb);
void memctl_trace_flush_foreign(struct bdi_writeback *wb, unsigned int bdi_id,
				unsigned int memcg_id);
#endif

/* What containers, and their shares of nodes, are allocated of. */
extern struct kmem_cache *memctl_cachep;
extern struct kmem_cache *memctl_node_cachep;

/* Defined in hooks/: carries up what has changed. When to do so again, in jiffies. */
unsigned long memctl_flush(void);

/* Defined in hooks/: the callbacks of memory_cgrp_subsys, and its files. */

struct cgroup_subsys_state *
memctl_css_alloc(struct cgroup_subsys_state *parent);
int memctl_css_online(struct cgroup_subsys_state *css);
void memctl_css_offline(struct cgroup_subsys_state *css);
void memctl_css_released(struct cgroup_subsys_state *css);
void memctl_css_free(struct cgroup_subsys_state *css);
void memctl_css_reset(struct cgroup_subsys_state *css);
void memctl_attach(struct cgroup_taskset *tset);

extern struct cftype memctl_v1_files[];
extern struct cftype memctl_v2_files[];

#ifdef CONFIG_MEMCTL_DEBUG
struct obj_cgroup;
struct pcpu_chunk;

/* Where the owners of the objects of a slab are, unless it is freed meanwhile. */
struct memctl_owners {
	unsigned long first;	/* the address of the first one */
	unsigned int stride;	/* bytes from one to the next */
	unsigned int nr;
	unsigned int size;	/* of an object, in bytes */
	bool reclaimable;
};

/* A walk over the per-CPU memory that has an owner: begins with zeroes. */
struct memctl_percpu {
	struct pcpu_chunk *chunk;
	int slot;
	int bit;
	struct obj_cgroup *owner;
	size_t size;		/* on all CPUs, in bytes, as it is charged */
};

/* The file memctl/audit in debugfs. */
int memctl_audit_open(struct inode *inode, struct file *file);
int memctl_audit_release(struct inode *inode, struct file *file);
#endif

#endif /* __MM_MEMCTL_MEMCTL_H */
