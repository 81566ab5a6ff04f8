// SPDX-License-Identifier: GPL-2.0

#include <linux/cpumask.h>
#include <linux/percpu.h>

__rust_helper bool rust_helper_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

__rust_helper long __percpu *
rust_helper_alloc_percpu_longs(unsigned int nr, gfp_t gfp)
{
	return __alloc_percpu_gfp(array_size(nr, sizeof(long)),
				  SMP_CACHE_BYTES, gfp);
}

__rust_helper void rust_helper_this_cpu_add_long(long __percpu *ptr, long n)
{
	this_cpu_add(*ptr, n);
}

__rust_helper long *rust_helper_per_cpu_ptr_long(long __percpu *ptr,
						 unsigned int cpu)
{
	return per_cpu_ptr(ptr, cpu);
}

__rust_helper long *rust_helper_raw_cpu_ptr_long(long __percpu *ptr)
{
	return raw_cpu_ptr(ptr);
}
