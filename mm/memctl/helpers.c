// SPDX-License-Identifier: GPL-2.0
/*
 * Inlines and macros of C as functions for the Rust side of memctl. Included by
 * rust/helpers/helpers.c, where they become part of what is inlined into Rust.
 */

#include <linux/backing-dev.h>
#include <linux/cpuset.h>
#include <linux/jiffies.h>
#include <linux/kfence.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/nodemask.h>
#include <linux/oom.h>
#include <linux/percpu-refcount.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <linux/zswap.h>

#include "../../mm/internal.h"
#include "../../mm/page_alloc.h"
#include "../../mm/percpu-internal.h"
#include "../../mm/slab.h"
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

__rust_helper bool
rust_helper_obj_cgroup_tryget_live_rcu(struct obj_cgroup *objcg)
{
	return obj_cgroup_is_root(objcg) ||
	       percpu_ref_tryget_live_rcu(&objcg->refcnt);
}

__rust_helper void rust_helper_cgroup_put(struct cgroup *cgrp)
{
	cgroup_put(cgrp);
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

/* Gives up the handle of a share, which may never have come online, or never made. */
__rust_helper void rust_helper_obj_cgroup_put_orig(struct obj_cgroup *objcg)
{
	if (!objcg)
		return;
	if (!percpu_ref_is_dying(&objcg->refcnt))
		percpu_ref_kill(&objcg->refcnt);
	obj_cgroup_put(objcg);
}

/*
 * Whether each CPU counts references on @objcg for itself, also if it is the root's: in
 * what is at @count then. Under RCU, until that has changed.
 */
__rust_helper bool
rust_helper_obj_cgroup_percpu_count(struct obj_cgroup *objcg,
				    unsigned long __percpu **count)
{
	return likely(__ref_is_percpu(&objcg->refcnt, count));
}

__rust_helper void
rust_helper_obj_cgroup_percpu_add(unsigned long __percpu *count, long nr)
{
	this_cpu_add(*count, nr);
}

/* As obj_cgroup_put(), for who is under RCU. */
__rust_helper void rust_helper_obj_cgroup_put_rcu(struct obj_cgroup *objcg)
{
	unsigned long __percpu *count;

	if (obj_cgroup_is_root(objcg))
		return;
	if (likely(__ref_is_percpu(&objcg->refcnt, &count)))
		this_cpu_dec(*count);
	else
		percpu_ref_put(&objcg->refcnt);
}

__rust_helper void rust_helper_css_kill(struct cgroup_subsys_state *css)
{
	percpu_ref_kill(&css->refcnt);
}

__rust_helper void rust_helper_obj_cgroup_kill(struct obj_cgroup *objcg)
{
	percpu_ref_kill(&objcg->refcnt);
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

__rust_helper unsigned int rust_helper_private_id_users(struct mem_cgroup *memcg)
{
	return refcount_read(&memcg->id.ref);
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

__rust_helper struct memctl_stocks *
rust_helper_memctl_stocks_of(unsigned int cpu)
{
	return per_cpu_ptr(&memctl_stocks, cpu);
}

__rust_helper void *rust_helper_memctl_cache_alloc(struct kmem_cache *cache,
						   gfp_t gfp, int nid)
{
	return kmem_cache_alloc_node(cache, gfp, nid);
}

/* folios that another container is to have */

__rust_helper bool rust_helper_memctl_folio_release(struct folio *folio, gfp_t gfp)
{
	if (!folio_needs_release(folio))
		return true;
	return !folio_test_dirty(folio) && filemap_release_folio(folio, gfp);
}

/*
 * Freezes the references of @folio, which is locked, if they are those of the page
 * cache and the caller's. Returns how many these are, or 0.
 */
__rust_helper int rust_helper_memctl_folio_freeze(struct folio *folio)
{
	int refs = folio_nr_pages(folio) + 1;

	if (!folio->mapping || folio_test_anon(folio) || folio_test_swapcache(folio) ||
	    folio_test_lru(folio) || folio_mapped(folio) ||
	    !folio_ref_freeze(folio, refs))
		return 0;
	/* Who had a reference until now may have written to it. */
	if (!folio_test_writeback(folio) &&
	    (folio_test_swapbacked(folio) || !folio_test_dirty(folio)))
		return refs;
	folio_ref_unfreeze(folio, refs);
	return 0;
}

__rust_helper void rust_helper_memctl_folio_unfreeze(struct folio *folio, int refs)
{
	folio_ref_unfreeze(folio, refs);
}

/* kernel memory */

__rust_helper struct folio *rust_helper_page_folio(struct page *page)
{
	return page_folio(page);
}

__rust_helper struct folio *rust_helper_virt_to_folio(const void *p)
{
	return virt_to_folio(p);
}

__rust_helper struct slab *rust_helper_memctl_slab_of(const void *object)
{
	return virt_to_slab(object);
}

/*
 * The same of what is known to be an object: in the linear map, and not in the image of
 * the kernel, for which virt_to_page() has to look.
 */
__rust_helper struct slab *rust_helper_memctl_slab_of_object(const void *object)
{
#if defined(CONFIG_X86_64) && !defined(CONFIG_DEBUG_VIRTUAL)
	unsigned long addr = (unsigned long)kasan_reset_tag(object);

	return (struct slab *)compound_head(pfn_to_page((addr - PAGE_OFFSET) >> PAGE_SHIFT));
#else
	return (struct slab *)virt_to_head_page(object);
#endif
}

__rust_helper unsigned long rust_helper_memctl_slab_exts(struct slab *slab)
{
	return slab_obj_exts(slab);
}

__rust_helper bool rust_helper_memctl_slab_has_owners(struct slab *slab)
{
	return slab_needs_objcg(slab);
}

__rust_helper int rust_helper_memctl_slab_nid(struct slab *slab)
{
	return slab_nid(slab);
}

__rust_helper bool rust_helper_memctl_is_kfence(const void *object)
{
	return is_kfence_address(object);
}

/* @exts is what memctl_slab_exts() says of @slab, of whose cache @object is. */
__rust_helper struct obj_cgroup *
rust_helper_memctl_slab_owner(struct slab *slab, unsigned long exts,
			      const void *object)
{
	struct obj_cgroup *objcg;

	get_slab_obj_exts(exts);
	objcg = slab_obj_ext_objcg(slab, slab_obj_ext(slab->slab_cache, slab,
						      exts, object));
	put_slab_obj_exts(exts);
	return objcg;
}

__rust_helper struct kmem_cache *rust_helper_memctl_slab_cache(struct slab *slab)
{
	return slab->slab_cache;
}

/* Where the owner of @object of @cache is. @exts is what memctl_slab_exts() says. */
__rust_helper void *rust_helper_memctl_slab_place(struct kmem_cache *cache,
						  struct slab *slab,
						  unsigned long exts,
						  const void *object)
{
	void *place;

	get_slab_obj_exts(exts);
	place = slab_obj_ext(cache, slab, exts, object);
	put_slab_obj_exts(exts);
	/* Worked out now: until then it takes three registers. */
	OPTIMIZER_HIDE_VAR(place);
	return place;
}

/* @place is what memctl_slab_place() says of an object of @slab. */
__rust_helper void rust_helper_memctl_slab_set_owner(struct slab *slab,
						     unsigned long exts,
						     void *place,
						     struct obj_cgroup *objcg)
{
	get_slab_obj_exts(exts);
	slab_obj_ext_set_objcg(slab, place, objcg);
	put_slab_obj_exts(exts);
}

/* The caller is between get_slab_obj_exts() and put_slab_obj_exts(). */
__rust_helper struct obj_cgroup *
rust_helper_memctl_slab_take_owner(struct kmem_cache *cache, struct slab *slab,
				   unsigned long exts, const void *object)
{
	struct slabobj_ext *ext = slab_obj_ext(cache, slab, exts, object);
	struct obj_cgroup *objcg = slab_obj_ext_objcg(slab, ext);

	if (objcg)
		slab_obj_ext_set_objcg(slab, ext, NULL);
	return objcg;
}

__rust_helper bool rust_helper_memctl_cache_is_reclaimable(struct kmem_cache *cache)
{
	return cache_vmstat_idx(cache) == NR_SLAB_RECLAIMABLE_B;
}

/*
 * xa_load(), for who is under RCU and asks for each file that is opened first: a third
 * of the instructions, as there is no state to keep. What is not found as easily, since
 * the tree is being changed, is looked for anew.
 */
static __always_inline void *memctl_xa_load(struct xarray *xa, unsigned long index)
{
	void *entry = xa_head(xa);
	struct xa_node *node = NULL;

	while (xa_is_node(entry)) {
		node = xa_to_node(entry);
		if (index >> node->shift > XA_CHUNK_MASK && !node->parent)
			return NULL;
		entry = xa_entry(xa, node, (index >> node->shift) & XA_CHUNK_MASK);
	}
	if (unlikely(xa_is_internal(entry) || !node))
		return xa_load(xa, index);
	return entry;
}

/* Whether objects of @memcg that go on a list of @lru need not have one made. */
__rust_helper bool rust_helper_memctl_has_list(struct mem_cgroup *memcg,
					       struct list_lru *lru)
{
	return !lru->memcg_aware || memcg->kmemcg_id < 0 ||
	       memctl_xa_load(&lru->xa, memcg->kmemcg_id);
}

/* lists */

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

__rust_helper struct mem_cgroup *
rust_helper_set_active_memcg(struct mem_cgroup *memcg)
{
	return set_active_memcg(memcg);
}

__rust_helper bool rust_helper_fatal_signal_pending(struct task_struct *task)
{
	return fatal_signal_pending(task);
}

__rust_helper bool rust_helper_tsk_frees_oom_mm(struct task_struct *task)
{
	struct mm_struct *mm = READ_ONCE(task->signal->oom_mm);

	/*
	 * exit_mmap() frees the pages first, then the tree of mappings. Files, and what
	 * is in pipes and sockets, are closed after that: do_exit() notifies last.
	 */
	return mm && (!READ_ONCE(task->exit_state) || !mtree_empty(&mm->mm_mt));
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

__rust_helper void
rust_helper_nodes_and_allowed(struct cgroup_subsys_state *css, nodemask_t *mask)
{
	nodemask_t allowed;

	cpuset_nodes_allowed(css->cgroup, &allowed);
	nodes_and(*mask, *mask, allowed);
}

/* swap, statistics, writeback, nodes */

#ifdef CONFIG_SWAP
__rust_helper void
rust_helper_swap_record_owner_locked(struct swap_cluster_info *ci,
				     struct folio *folio, unsigned short id)
{
	__swap_cgroup_set(ci, swp_cluster_offset(folio->swap),
			  folio_nr_pages(folio), id);
}

__rust_helper void rust_helper_swap_record_owner(struct folio *folio,
						 unsigned short id)
{
	struct swap_cluster_info *ci = swap_cluster_get_and_lock(folio);

	rust_helper_swap_record_owner_locked(ci, folio, id);
	swap_cluster_unlock(ci);
}

/* Returns what swap_record_owner() had written down, or 0. */
__rust_helper unsigned short rust_helper_swap_forget_owner(struct folio *folio)
{
	struct swap_cluster_info *ci = swap_cluster_get_and_lock(folio);
	unsigned short id;

	id = __swap_cgroup_clear(ci, swp_cluster_offset(folio->swap),
				 folio_nr_pages(folio));
	swap_cluster_unlock(ci);
	return id;
}
#endif

__rust_helper int rust_helper_memctl_may_read(struct file *file)
{
	return file_permission(file, MAY_READ);
}

/* The name of @file, if it is one of a cgroup; or NULL. */
__rust_helper const char *rust_helper_memctl_cgroup_file_name(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;

	if (dentry->d_sb->s_type != &cgroup_fs_type || !d_is_reg(dentry))
		return NULL;
	return dentry->d_name.name;
}

/* The css of the cgroup that @file is of, online, or NULL. Under RCU. */
__rust_helper struct cgroup_subsys_state *
rust_helper_memctl_css_of_file(struct file *file)
{
	struct cgroup_subsys_state *css;

	css = css_tryget_online_from_dir(file->f_path.dentry->d_parent,
					 &memory_cgrp_subsys);
	if (IS_ERR(css))
		return NULL;
	css_put(css);
	return css;
}

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

__rust_helper void
rust_helper_zswap_memcg_offline_cleanup(struct mem_cgroup *memcg)
{
	zswap_memcg_offline_cleanup(memcg);
}

/* whose swap space and kernel memory is, for the audit */

#ifdef CONFIG_MEMCTL_DEBUG
/* A word of the kernel's memory that may not be there, or 0. */
__rust_helper unsigned long rust_helper_memctl_peek(unsigned long address)
{
	unsigned long word;

	return get_kernel_nofault(word, (unsigned long *)address) ? 0 : word;
}

/*
 * Where the owners of the objects of the slab at @page are, if it is one. Nobody
 * keeps it: it may be freed, and its cache as well.
 */
__rust_helper bool rust_helper_memctl_find_owners(struct page *page,
						  struct memctl_owners *owners)
{
	struct slab *slab = (struct slab *)page;
	struct kmem_cache *cache = READ_ONCE(slab->slab_cache);
	slab_flags_t flags;

	if (!PageSlab(page) || !slab_needs_objcg(slab))
		return false;
	if (get_kernel_nofault(owners->size, &cache->size) ||
	    get_kernel_nofault(flags, &cache->flags))
		return false;
	owners->first = READ_ONCE(slab->obj_exts) & ~OBJEXTS_FLAGS_MASK;
	owners->stride = obj_exts_in_object(slab) ? owners->size :
						    slab_obj_ext_size(slab);
	owners->nr = slab->objects;
	owners->reclaimable = flags & SLAB_RECLAIM_ACCOUNT;
	return owners->first;
}

/*
 * The next task from the number *@nr on, with a reference on its kernel stack;
 * moves on *@nr. Under RCU, as long as the task is used.
 */
__rust_helper struct task_struct *rust_helper_memctl_next_stack(int *nr)
{
	struct task_struct *task;
	struct pid *pid;

	while ((pid = find_ge_pid(*nr, &init_pid_ns))) {
		*nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_PID);
		if (task && try_get_task_stack(task))
			return task;
	}
	return NULL;
}

__rust_helper void rust_helper_put_task_stack(struct task_struct *task)
{
	put_task_stack(task);
}

/*
 * The part @i of the kernel stack of @task, on which there is a reference: what was
 * allocated as one, and in @size how many bytes that is. NULL behind the last one.
 */
__rust_helper const void *rust_helper_memctl_stack_part(struct task_struct *task,
							unsigned int i,
							size_t *size)
{
	void *stack = task_stack_page(task);

	if (!IS_ENABLED(CONFIG_VMAP_STACK)) {
		*size = THREAD_SIZE;
		return i ? NULL : stack;
	}
	*size = PAGE_SIZE;
	if (i >= THREAD_SIZE / PAGE_SIZE)
		return NULL;
	return page_address(vmalloc_to_page(stack + i * PAGE_SIZE));
}

__rust_helper unsigned long rust_helper_pcpu_lock_irqsave(void)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	return flags;
}

__rust_helper void rust_helper_pcpu_unlock_irqrestore(unsigned long flags)
{
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

/* Moves @at on to the next that has an owner, under the lock. */
__rust_helper bool rust_helper_memctl_next_percpu(struct memctl_percpu *at)
{
	struct list_head *next = pcpu_chunk_lists[at->slot].next;

	for (;;) {
		struct pcpu_chunk *chunk = at->chunk;
		int bits = chunk && chunk->obj_exts ? pcpu_chunk_map_bits(chunk) : 0;

		while (at->bit < bits) {
			int bit = at->bit++;

			at->owner = READ_ONCE(chunk->obj_exts[bit].cgroup);
			if (!at->owner)
				continue;
			/* Where it ends another one begins, or could. */
			at->bit = find_next_bit(chunk->bound_map, bits, bit + 1);
			at->size = pcpu_obj_full_size((at->bit - bit) *
						      PCPU_MIN_ALLOC_SIZE);
			return true;
		}
		if (chunk)
			next = chunk->list.next;
		while (next == &pcpu_chunk_lists[at->slot]) {
			if (++at->slot == pcpu_nr_slots)
				return false;
			next = pcpu_chunk_lists[at->slot].next;
		}
		at->chunk = list_entry(next, struct pcpu_chunk, list);
		at->bit = 0;
	}
}

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
