// SPDX-License-Identifier: GPL-2.0

#include <linux/context_tracking_state.h>
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

__rust_helper bool rust_helper_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

__rust_helper void __percpu *
rust_helper_alloc_percpu_bytes(size_t size, size_t align, gfp_t gfp)
{
	return __alloc_percpu_gfp(size, align, gfp);
}

__rust_helper void rust_helper_preempt_disable_(void)
{
	preempt_disable();
}

__rust_helper void rust_helper_preempt_enable_(void)
{
	preempt_enable();
}

/*
 * Adds @n to the int at @counter in this CPU's @row, and calls @list for the row if
 * what is at @listed says that it is on no list. All on the same CPU.
 */
__rust_helper void rust_helper_percpu_row_add(void __percpu *row, size_t counter,
					      size_t listed, int n,
					      void (*list)(void *row))
{
	preempt_disable_notrace();
	this_cpu_add(*(int __percpu *)(row + counter), n);
	if (unlikely(!raw_cpu_read(*(u32 __percpu *)(row + listed))))
		list(raw_cpu_ptr(row));
	preempt_enable_notrace();
}

/*
 * The same under RCU, which keeps to the CPU where it is not preemptible. Returns the
 * row if it is on no list.
 */
__rust_helper void *rust_helper_percpu_row_add_rcu(void __percpu *row,
						   size_t counter, size_t listed,
						   int n)
{
	void *unlisted = NULL;

	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		preempt_disable_notrace();
	this_cpu_add(*(int __percpu *)(row + counter), n);
	if (unlikely(!raw_cpu_read(*(u32 __percpu *)(row + listed))))
		unlisted = raw_cpu_ptr(row);
	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		preempt_enable_notrace();
	return unlisted;
}

/*
 * Adds @n to the int at @used in this CPU's @row, if what is at @granted leaves as much
 * or it has to be. What is left before is in @left: all that was granted, but for the
 * three that use it. Under RCU. Returns the row.
 */
__rust_helper void *
rust_helper_percpu_row_spend_rcu(void __percpu *row, size_t granted,
				 size_t used0, size_t used1, size_t used2,
				 size_t used, int n, bool force, int *left)
{
	void *this;

	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		preempt_disable_notrace();
	this = raw_cpu_ptr(row);
	/*
	 * One address for all that is read: this_cpu_read() takes a register each.
	 * data_race: another CPU may change what is granted, see quota.rs.
	 */
	*left = data_race(*(unsigned int *)(this + granted) -
			  *(unsigned int *)(this + used0) -
			  *(unsigned int *)(this + used1) -
			  *(unsigned int *)(this + used2));
	if (force || *left >= n)
		this_cpu_add(*(int __percpu *)(row + used), n);
	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		preempt_enable_notrace();
	return this;
}

/*
 * Takes @n from the int at @used in this CPU's @row. What it is then is in @now. Under
 * RCU. Returns the row.
 */
__rust_helper void *
rust_helper_percpu_row_unspend_rcu(void __percpu *row, size_t used, int n,
				   int *now)
{
	void *this;

	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		preempt_disable_notrace();
	this = raw_cpu_ptr(row);
	*now = this_cpu_sub_return(*(int __percpu *)(row + used), n);
	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		preempt_enable_notrace();
	return this;
}

/*
 * Whether RCU does not watch @cpu, so that all it did as a reader before is seen. Who
 * asks has had a full barrier before: what @cpu does as a reader from now on sees what
 * was written before that.
 */
__rust_helper bool rust_helper_cpu_is_quiet(unsigned int cpu)
{
#ifdef CONFIG_CONTEXT_TRACKING_IDLE
	return !(ct_rcu_watching_cpu_acquire(cpu) & CT_RCU_WATCHING);
#else
	return false;
#endif
}

__rust_helper void *rust_helper_per_cpu_ptr_bytes(void __percpu *ptr,
						  unsigned int cpu)
{
	return per_cpu_ptr(ptr, cpu);
}

__rust_helper void *rust_helper_raw_cpu_ptr_bytes(void __percpu *ptr)
{
	return raw_cpu_ptr(ptr);
}
