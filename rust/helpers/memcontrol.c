// SPDX-License-Identifier: GPL-2.0

#include <linux/backing-dev.h>
#include <linux/cpuset.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/nodemask.h>
#include <linux/oom.h>
#include <linux/percpu-refcount.h>
#include <linux/psi.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/zswap.h>

#include "../../mm/internal.h"
#include "../../mm/page_alloc.h"
#include "../../mm/swap.h"
#include "../../mm/swap_table.h"
#include "../../mm/memctl/memctl.h"

/* containers and handles */

__rust_helper bool rust_helper_mem_cgroup_disabled(void)
{
	return mem_cgroup_disabled();
}

__rust_helper bool rust_helper_memory_cgrp_on_dfl(void)
{
	return cgroup_subsys_on_dfl(memory_cgrp_subsys);
}

__rust_helper bool rust_helper_obj_cgroup_tryget(struct obj_cgroup *objcg)
{
	return obj_cgroup_tryget(objcg);
}

__rust_helper void rust_helper_obj_cgroup_get_many(struct obj_cgroup *objcg,
						   unsigned long nr)
{
	obj_cgroup_get_many(objcg, nr);
}

__rust_helper void rust_helper_obj_cgroup_put(struct obj_cgroup *objcg)
{
	obj_cgroup_put(objcg);
}

__rust_helper void rust_helper_obj_cgroup_put_many(struct obj_cgroup *objcg,
						   unsigned long nr)
{
	if (!obj_cgroup_is_root(objcg))
		percpu_ref_put_many(&objcg->refcnt, nr);
}

__rust_helper void rust_helper_css_kill(struct cgroup_subsys_state *css)
{
	percpu_ref_kill(&css->refcnt);
}

__rust_helper void rust_helper_obj_cgroup_kill(struct obj_cgroup *objcg)
{
	percpu_ref_kill(&objcg->refcnt);
}

__rust_helper void rust_helper_obj_cgroup_free_rcu(struct obj_cgroup *objcg)
{
	kfree_rcu(objcg, rcu);
}

__rust_helper unsigned long rust_helper_objcg_lock_irqsave(void)
{
	unsigned long flags;

	spin_lock_irqsave(&memctl_objcg_lock, flags);
	return flags;
}

__rust_helper void rust_helper_objcg_unlock_irqrestore(unsigned long flags)
{
	spin_unlock_irqrestore(&memctl_objcg_lock, flags);
}

__rust_helper struct mem_cgroup *
rust_helper_task_mem_cgroup(struct task_struct *task)
{
	return mem_cgroup_from_css(task_css(task, memory_cgrp_id));
}

__rust_helper struct task_struct *rust_helper_mm_owner(struct mm_struct *mm)
{
	return rcu_dereference(mm->owner);
}

__rust_helper bool rust_helper_mm_owner_is(struct mm_struct *mm,
					   struct task_struct *task)
{
	return rcu_access_pointer(mm->owner) == task;
}

__rust_helper void rust_helper_list_del(struct list_head *entry)
{
	list_del(entry);
}

__rust_helper void rust_helper_list_splice_init(struct list_head *list,
						struct list_head *head)
{
	list_splice_init(list, head);
}

__rust_helper void rust_helper_private_id_ref_set(struct mem_cgroup *memcg,
						  int n)
{
	refcount_set(&memcg->id.ref, n);
}

__rust_helper bool rust_helper_private_id_ref_get(struct mem_cgroup *memcg,
						  unsigned int n)
{
	return refcount_add_not_zero(n, &memcg->id.ref);
}

__rust_helper bool rust_helper_private_id_ref_put(struct mem_cgroup *memcg,
						  unsigned int n)
{
	return refcount_sub_and_test(n, &memcg->id.ref);
}

__rust_helper void rust_helper_socket_pressure_init(struct mem_cgroup *memcg)
{
#if BITS_PER_LONG < 64
	seqlock_init(&memcg->socket_pressure_seqlock);
#endif
}

__rust_helper void *rust_helper_memctl_cache_alloc(struct kmem_cache *cache,
						   gfp_t gfp, int nid)
{
	return kmem_cache_alloc_node(cache, gfp, nid);
}

/* folios */

__rust_helper unsigned long rust_helper_folio_nr_pages(const struct folio *folio)
{
	return folio_nr_pages(folio);
}

__rust_helper int rust_helper_folio_nid(const struct folio *folio)
{
	return folio_nid(folio);
}

__rust_helper struct pglist_data *
rust_helper_folio_pgdat(const struct folio *folio)
{
	return folio_pgdat(folio);
}

__rust_helper bool rust_helper_folio_test_lru(struct folio *folio)
{
	return folio_test_lru(folio);
}

__rust_helper struct folio *rust_helper_page_folio(struct page *page)
{
	return page_folio(page);
}

__rust_helper struct folio *rust_helper_virt_to_folio(const void *p)
{
	return virt_to_folio(p);
}

__rust_helper bool rust_helper_folio_unqueue_deferred_split(struct folio *folio)
{
	return folio_unqueue_deferred_split(folio);
}

/* lists */

__rust_helper void rust_helper_lruvec_spin_lock(struct lruvec *lruvec)
{
	spin_lock(&lruvec->lru_lock);
}

__rust_helper void rust_helper_lruvec_spin_unlock(struct lruvec *lruvec)
{
	spin_unlock(&lruvec->lru_lock);
}

__rust_helper void rust_helper_lruvec_spin_lock_irq(struct lruvec *lruvec)
{
	spin_lock_irq(&lruvec->lru_lock);
}

__rust_helper void rust_helper_lruvec_spin_unlock_irq(struct lruvec *lruvec)
{
	spin_unlock_irq(&lruvec->lru_lock);
}

__rust_helper unsigned long
rust_helper_lruvec_spin_lock_irqsave(struct lruvec *lruvec)
{
	unsigned long flags;

	spin_lock_irqsave(&lruvec->lru_lock, flags);
	return flags;
}

__rust_helper void
rust_helper_lruvec_spin_unlock_irqrestore(struct lruvec *lruvec,
					  unsigned long flags)
{
	spin_unlock_irqrestore(&lruvec->lru_lock, flags);
}

__rust_helper void rust_helper_lruvec_lock_nested(struct lruvec *lruvec,
						  int subclass)
{
	spin_lock_nested(&lruvec->lru_lock, subclass);
}

__rust_helper bool rust_helper_lru_gen_enabled(void)
{
	return lru_gen_enabled();
}

#ifndef CONFIG_LRU_GEN
__rust_helper void rust_helper_lru_gen_init_memcg(struct mem_cgroup *memcg)
{
	lru_gen_init_memcg(memcg);
}

__rust_helper void rust_helper_lru_gen_exit_memcg(struct mem_cgroup *memcg)
{
	lru_gen_exit_memcg(memcg);
}

__rust_helper void rust_helper_lru_gen_online_memcg(struct mem_cgroup *memcg)
{
	lru_gen_online_memcg(memcg);
}

__rust_helper void rust_helper_lru_gen_offline_memcg(struct mem_cgroup *memcg)
{
	lru_gen_offline_memcg(memcg);
}

__rust_helper void rust_helper_lru_gen_release_memcg(struct mem_cgroup *memcg)
{
	lru_gen_release_memcg(memcg);
}

__rust_helper void rust_helper_max_lru_gen_memcg(struct mem_cgroup *memcg,
						 int nid)
{
	max_lru_gen_memcg(memcg, nid);
}

__rust_helper bool
rust_helper_recheck_lru_gen_max_memcg(struct mem_cgroup *memcg, int nid)
{
	return recheck_lru_gen_max_memcg(memcg, nid);
}

__rust_helper void
rust_helper_lru_gen_reparent_memcg(struct mem_cgroup *memcg,
				   struct mem_cgroup *parent, int nid)
{
	lru_gen_reparent_memcg(memcg, parent, nid);
}
#endif

#ifndef CONFIG_LRU_GEN_WALKS_MMU
__rust_helper void rust_helper_lru_gen_migrate_mm(struct mm_struct *mm)
{
	lru_gen_migrate_mm(mm);
}
#endif

/* the task that runs, and the victim of the OOM killer */

__rust_helper bool rust_helper_in_task(void)
{
	return in_task();
}

__rust_helper void rust_helper_set_notify_resume(struct task_struct *task)
{
	set_notify_resume(task);
}

__rust_helper struct mem_cgroup *rust_helper_read_int_active_memcg(void)
{
	return this_cpu_read(int_active_memcg);
}

__rust_helper bool rust_helper_fatal_signal_pending(struct task_struct *task)
{
	return fatal_signal_pending(task);
}

__rust_helper bool rust_helper_tsk_frees_oom_mm(struct task_struct *task)
{
	struct mm_struct *mm = READ_ONCE(task->signal->oom_mm);

	/* exit_mmap() frees the pages first, then the tree of mappings. */
	return mm && !mtree_empty(&mm->mm_mt);
}

__rust_helper bool rust_helper_tsk_is_oom_victim(struct task_struct *task)
{
	return tsk_is_oom_victim(task);
}

__rust_helper bool rust_helper_tsk_oom_mm_reaped(struct task_struct *task)
{
	return tsk_is_oom_victim(task) &&
	       mm_flags_test(MMF_OOM_SKIP, task->signal->oom_mm);
}

__rust_helper void rust_helper_task_lock(struct task_struct *task)
{
	task_lock(task);
}

__rust_helper void rust_helper_task_unlock(struct task_struct *task)
{
	task_unlock(task);
}

__rust_helper struct task_struct *
rust_helper_cgroup_taskset_first_leader(struct cgroup_taskset *tset)
{
	struct cgroup_subsys_state *css;
	struct task_struct *task;

	cgroup_taskset_for_each_leader(task, css, tset)
		return task;
	return NULL;
}

__rust_helper void rust_helper_cond_resched_(void)
{
	cond_resched();
}

__rust_helper void rust_helper_limit_mutex_lock(void)
{
	mutex_lock(&memctl_limit_mutex);
}

__rust_helper void rust_helper_limit_mutex_unlock(void)
{
	mutex_unlock(&memctl_limit_mutex);
}

__rust_helper void
rust_helper_nodes_and_allowed(struct cgroup_subsys_state *css, nodemask_t *mask)
{
	nodemask_t allowed;

	cpuset_nodes_allowed(css->cgroup, &allowed);
	nodes_and(*mask, *mask, allowed);
}

__rust_helper bool rust_helper_oom_lock_killable(void)
{
	return !mutex_lock_killable(&oom_lock);
}

__rust_helper void rust_helper_oom_unlock(void)
{
	mutex_unlock(&oom_lock);
}

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

/* swap, statistics, writeback, nodes */

#ifdef CONFIG_SWAP
__rust_helper void rust_helper_swap_record_owner(struct folio *folio,
						 unsigned short id)
{
	struct swap_cluster_info *ci = swap_cluster_get_and_lock(folio);

	__swap_cgroup_set(ci, swp_cluster_offset(folio->swap),
			  folio_nr_pages(folio), id);
	swap_cluster_unlock(ci);
}
#endif

#if BITS_PER_LONG == 64
__rust_helper u64 rust_helper_get_jiffies_64(void)
{
	return get_jiffies_64();
}
#endif

#ifdef CONFIG_CGROUP_WRITEBACK
__rust_helper void
rust_helper_memctl_foreign_init(struct memctl_foreign *foreign)
{
	foreign->done = __WB_COMPLETION_INIT(&memctl_foreign_waitq);
}

__rust_helper void rust_helper_wb_domain_size_changed(struct wb_domain *domain)
{
	wb_domain_size_changed(domain);
}

__rust_helper void rust_helper_cgwb_list_init(struct mem_cgroup *memcg)
{
	INIT_LIST_HEAD(&memcg->cgwb_list);
}
#endif

__rust_helper bool rust_helper_folio_test_swapcache(struct folio *folio)
{
	return folio_test_swapcache(folio);
}

__rust_helper unsigned long
rust_helper_node_state_monotonic(struct pglist_data *pgdat,
				 enum node_stat_item item)
{
	return node_page_state_monotonic(pgdat, item);
}

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

__rust_helper void rust_helper_node_page_state_add(struct pglist_data *pgdat,
						   enum node_stat_item item,
						   long nr)
{
	mod_node_page_state(pgdat, item, nr);
}

__rust_helper struct pglist_data *rust_helper_numa_node_data(int nid)
{
	return NODE_DATA(nid);
}

__rust_helper void
rust_helper_zswap_memcg_offline_cleanup(struct mem_cgroup *memcg)
{
	zswap_memcg_offline_cleanup(memcg);
}

/* all memory, for the audit */

#ifdef CONFIG_LRU_GEN
/* The pages of @type, LRU_GEN_ANON or LRU_GEN_FILE, in all generations. */
__rust_helper long rust_helper_lruvec_gen_pages(struct lruvec *lruvec, int type)
{
	long nr = 0;
	int gen, zone;

	for (gen = 0; gen < MAX_NR_GENS; gen++)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			nr += READ_ONCE(lruvec->lrugen.nr_pages[gen][type][zone]);
	return nr;
}
#endif

#ifdef CONFIG_MEMCTL_DEBUG
__rust_helper void rust_helper_get_online_mems(void)
{
	get_online_mems();
}

__rust_helper void rust_helper_put_online_mems(void)
{
	put_online_mems();
}

__rust_helper struct page *rust_helper_pfn_to_online_page(unsigned long pfn)
{
	return pfn_to_online_page(pfn);
}

/* How many free pages begin with this one; a guess, for nothing is locked. */
__rust_helper unsigned long rust_helper_page_nr_free(struct page *page)
{
	unsigned int order;

	if (!PageBuddy(page))
		return 0;
	order = buddy_order_unsafe(page);
	return order <= MAX_PAGE_ORDER ? 1UL << order : 1;
}

__rust_helper struct folio *rust_helper_folio_get_nontail_page(struct page *page)
{
	return folio_get_nontail_page(page);
}

__rust_helper void rust_helper_folio_put(struct folio *folio)
{
	folio_put(folio);
}

__rust_helper bool rust_helper_folio_test_anon(struct folio *folio)
{
	return folio_test_anon(folio);
}

__rust_helper bool rust_helper_folio_test_hugetlb(struct folio *folio)
{
	return folio_test_hugetlb(folio);
}

__rust_helper bool rust_helper_folio_test_swapbacked(struct folio *folio)
{
	return folio_test_swapbacked(folio);
}

/* How many of its pages are mapped, as NR_ANON_MAPPED counts them. */
__rust_helper unsigned long rust_helper_folio_nr_anon_mapped(struct folio *folio)
{
	if (!folio_test_large(folio) || IS_ENABLED(CONFIG_NO_PAGE_MAPCOUNT) ||
	    folio_entire_mapcount(folio) > 0)
		return folio_mapped(folio) ? folio_nr_pages(folio) : 0;
	return folio_nr_pages_mapped(folio);
}

/* The list of @lruvec that @folio, which is on one, counts as being on. */
__rust_helper enum lru_list rust_helper_folio_counted_lru(struct folio *folio,
							  struct lruvec *lruvec)
{
#ifdef CONFIG_LRU_GEN
	int gen = folio_lru_gen(folio);

	if (gen >= 0)
		return folio_is_file_lru(folio) * LRU_FILE +
		       lru_gen_is_active(lruvec, gen) * LRU_ACTIVE;
#endif
	return folio_lru_list(folio);
}

#ifdef CONFIG_LRU_GEN
/* As which type @folio is in a generation, or -1 if it is in none. */
__rust_helper int rust_helper_folio_gen_type(struct folio *folio)
{
	return folio_lru_gen(folio) < 0 ? -1 : folio_is_file_lru(folio);
}
#endif

#ifdef CONFIG_SWAP
/*
 * The ids of those who own the pages of a cluster of swap space: up to
 * SWAPFILE_CLUSTER of them into @ids. Returns how many there are, 0 behind the
 * last swap device; moves on @type and @offset.
 */
__rust_helper unsigned int rust_helper_swap_cluster_owners(unsigned int *type,
							   unsigned long *offset,
							   unsigned short *ids)
{
	struct swap_cluster_info *ci;
	struct swap_info_struct *si;
	unsigned int i, n = 0;

	for (; *type < MAX_SWAPFILES; (*type)++, *offset = 0) {
		rcu_read_lock();
		si = READ_ONCE(swap_info[*type]);
		if (si && !percpu_ref_tryget_live(&si->users))
			si = NULL;
		rcu_read_unlock();
		if (!si)
			continue;
		if (*offset < si->max) {
			n = min(si->max - *offset, SWAPFILE_CLUSTER);
			ci = swap_cluster_lock(si, *offset);
			for (i = 0; i < n; i++)
				ids[i] = __swap_cgroup_get(ci, i);
			swap_cluster_unlock(ci);
			*offset += n;
		}
		percpu_ref_put(&si->users);
		if (n)
			break;
	}
	return n;
}
#endif
#endif
