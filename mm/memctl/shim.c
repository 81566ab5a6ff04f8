// SPDX-License-Identifier: GPL-2.0
/*
 * What only C can define: the cgroup subsystem, static keys, per-CPU variables,
 * statically initialized locks, boot parameters, tracepoints and exports.
 */

/* Before all other trace events, which are defined elsewhere. */
#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/memcg.h>
#include <trace/events/memctl.h>
#undef CREATE_TRACE_POINTS
#undef CREATE_RUST_TRACE_POINTS

#include <linux/cgroup.h>
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/llist.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/vmstat.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#ifdef CONFIG_CGROUP_WRITEBACK
#include <trace/events/writeback.h>
#endif

#include "memctl.h"

struct mem_cgroup *root_mem_cgroup __read_mostly;
EXPORT_SYMBOL(root_mem_cgroup);

/* The container to charge in an interrupt, see set_active_memcg(). */
DEFINE_PER_CPU(struct mem_cgroup *, int_active_memcg);
EXPORT_PER_CPU_SYMBOL_GPL(int_active_memcg);

/* Set while there is a container whose sockets are accounted. */
DEFINE_STATIC_KEY_FALSE(memcg_sockets_enabled_key);
EXPORT_SYMBOL(memcg_sockets_enabled_key);
/* Set from the first container below the root on: there is something to account. */
DEFINE_STATIC_KEY_FALSE(memcg_bpf_enabled_key);
EXPORT_SYMBOL(memcg_bpf_enabled_key);
DEFINE_STATIC_KEY_FALSE(memcg_kmem_online_key);
EXPORT_SYMBOL(memcg_kmem_online_key);

/* Cleared where reclaim is to free whatever only others use. */
DEFINE_STATIC_KEY_TRUE(memcg_handover_key);

DEFINE_PER_CPU_ALIGNED(struct memctl_stocks, memctl_stocks);
DEFINE_SPINLOCK(memctl_objcg_lock);

static void memctl_objcg_free(struct rcu_head *rcu)
{
	struct obj_cgroup *objcg = container_of(rcu, struct obj_cgroup, rcu);

	/* Its count may have been asked for until now. */
	percpu_ref_exit(&objcg->refcnt);
	kfree(objcg);
}

static LLIST_HEAD(memctl_released);

/* As many handles as have lost their last reference since this ran last. */
static void memctl_free_released(struct irq_work *work)
{
	struct llist_node *first = llist_del_all(&memctl_released);
	struct obj_cgroup *objcg, *next;
	unsigned long flags;

	llist_for_each_entry_safe(objcg, next, first, released) {
		spin_lock_irqsave(&memctl_objcg_lock, flags);
		list_del(&objcg->list);
		spin_unlock_irqrestore(&memctl_objcg_lock, flags);
		/* Who sees the handle is under RCU. */
		call_rcu(&objcg->rcu, memctl_objcg_free);
	}
}
static DEFINE_IRQ_WORK(memctl_release_work, memctl_free_released);

/* Kernel memory is freed in any context, and under any lock. */
void memctl_objcg_release(struct percpu_ref *ref)
{
	struct obj_cgroup *objcg = container_of(ref, struct obj_cgroup, refcnt);

	llist_add(&objcg->released, &memctl_released);
	irq_work_queue(&memctl_release_work);
}
DEFINE_XARRAY_ALLOC1(memctl_ids);
/* See memctl.h. */
DEFINE_MUTEX(memctl_limit_mutex);
int memctl_watchers __read_mostly;

static LLIST_HEAD(memctl_woken);

static void memctl_wake(struct irq_work *work)
{
	struct llist_node *first = llist_del_all(&memctl_woken);
	struct mem_cgroup *memcg, *next;

	llist_for_each_entry_safe(memcg, next, first, state.oom_woken) {
		/* Who makes room after that has it put on the list again. */
		atomic_set_release(&memcg->state.oom_waking, 0);
		/* And who was before that, and saw it set, is seen by who wakes up. */
		smp_mb();
		wake_up_var(&memcg->state.oom_waiters);
	}
}
static DEFINE_IRQ_WORK(memctl_wake_work, memctl_wake);

void memctl_wake_soon(struct mem_cgroup *memcg)
{
	if (atomic_xchg(&memcg->state.oom_waking, 1))
		return;
	llist_add(&memcg->state.oom_woken, &memctl_woken);
	irq_work_queue(&memctl_wake_work);
}

void memctl_wake_sync(void)
{
	irq_work_sync(&memctl_wake_work);
}

#ifdef CONFIG_CGROUP_WRITEBACK
DECLARE_WAIT_QUEUE_HEAD(memctl_foreign_waitq);

void memctl_trace_track_foreign(struct folio *folio, struct bdi_writeback *wb)
{
	trace_track_foreign_dirty(folio, wb);
}

void memctl_trace_flush_foreign(struct bdi_writeback *wb, unsigned int bdi_id,
				unsigned int memcg_id)
{
	trace_flush_foreign(wb, bdi_id, memcg_id);
}
#endif

/* As the command line says, before there is the first cache of objects. */
bool memctl_nokmem __ro_after_init;
bool memctl_nosocket __ro_after_init;
static bool memctl_nobpf __ro_after_init;

void memctl_kmem_online(void)
{
	if (!memctl_nokmem)
		static_branch_enable(&memcg_kmem_online_key);
}

void memctl_sockets_get(void)
{
	static_branch_inc(&memcg_sockets_enabled_key);
}

void memctl_sockets_put(void)
{
	static_branch_dec(&memcg_sockets_enabled_key);
}

void memctl_bpf_get(void)
{
	if (!memctl_nobpf)
		static_branch_inc(&memcg_bpf_enabled_key);
}

void memctl_bpf_put(void)
{
	if (!memctl_nobpf)
		static_branch_dec(&memcg_bpf_enabled_key);
}

struct kmem_cache *memctl_cachep __ro_after_init;
struct kmem_cache *memctl_node_cachep __ro_after_init;

/* Called once, before the root container is made. */
int __init mem_cgroup_init(void)
{
	struct mem_cgroup *memcg;

	memctl_cachep = kmem_cache_create("mem_cgroup",
					  struct_size(memcg, nodeinfo, nr_node_ids),
					  0, SLAB_PANIC | SLAB_HWCACHE_ALIGN |
					  SLAB_ACCOUNT, NULL);
	memctl_node_cachep = KMEM_CACHE(mem_cgroup_per_node,
					SLAB_PANIC | SLAB_HWCACHE_ALIGN |
					SLAB_ACCOUNT);
	return 0;
}

/* Carries up what has changed, for those who do not ask for that themselves. */
static void memctl_flush_work_fn(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(memctl_flush_work, memctl_flush_work_fn);

static void memctl_flush_work_fn(struct work_struct *work)
{
	queue_delayed_work(system_dfl_wq, &memctl_flush_work, memctl_flush());
}

static int __init memctl_flush_init(void)
{
	if (!mem_cgroup_disabled())
		queue_delayed_work(system_dfl_wq, &memctl_flush_work, HZ);
	return 0;
}
late_initcall(memctl_flush_init);

#ifdef CONFIG_SYSFS
static ssize_t handover_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%d\n", mem_cgroup_hands_over());
}

static ssize_t handover_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	bool on;
	int err = kstrtobool(buf, &on);

	if (err)
		return err;
	if (on)
		static_branch_enable(&memcg_handover_key);
	else
		static_branch_disable(&memcg_handover_key);
	return count;
}
static struct kobj_attribute memctl_handover_attr = __ATTR_RW(handover);

static int __init memctl_sysfs_init(void)
{
	struct kobject *dir;
	int err;

	if (mem_cgroup_disabled())
		return 0;
	dir = kobject_create_and_add("memctl", mm_kobj);
	if (!dir)
		return -ENOMEM;
	err = sysfs_create_file(dir, &memctl_handover_attr.attr);
	if (err)
		kobject_put(dir);
	return err;
}
late_initcall(memctl_sysfs_init);
#endif

struct cgroup_subsys memory_cgrp_subsys = {
	.css_alloc = memctl_css_alloc,
	.css_online = memctl_css_online,
	.css_offline = memctl_css_offline,
	.css_released = memctl_css_released,
	.css_free = memctl_css_free,
	.css_reset = memctl_css_reset,
	.attach = memctl_attach,
	.dfl_cftypes = memctl_v2_files,
#ifdef CONFIG_MEMCG_V1
	.legacy_cftypes = memctl_v1_files,
#endif
};
EXPORT_SYMBOL(memory_cgrp_subsys);

/* Takes what the C controller takes, and ignores what it does not know. */
static int __init memctl_setup(char *s)
{
	char *token;

	while ((token = strsep(&s, ","))) {
		if (!strcmp(token, "nokmem"))
			memctl_nokmem = true;
		if (!strcmp(token, "nosocket"))
			memctl_nosocket = true;
		if (!strcmp(token, "nobpf"))
			memctl_nobpf = true;
	}
	return 1;
}
__setup("cgroup.memory=", memctl_setup);

/* Long without effect, but not to be handed to init as an argument. */
static int __init memctl_setup_swap(char *s)
{
	return 1;
}
__setup("swapaccount=", memctl_setup_swap);

#ifdef CONFIG_MEMCTL_DEBUG
static const struct file_operations memctl_audit_fops = {
	.owner		= THIS_MODULE,
	.open		= memctl_audit_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= memctl_audit_release,
};

static int __init memctl_debug_init(void)
{
	debugfs_create_file("audit", 0400, debugfs_create_dir("memctl", NULL),
			    NULL, &memctl_audit_fops);
	return 0;
}
late_initcall(memctl_debug_init);
#endif

EXPORT_SYMBOL(mem_cgroup_from_task);
EXPORT_SYMBOL(get_mem_cgroup_from_mm);
EXPORT_SYMBOL(lruvec_stat_mod_folio);
EXPORT_SYMBOL_GPL(page_cgroup_ino);
EXPORT_SYMBOL_GPL(__memcg_memory_event);
