/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test of the kernel tree's BPF suite asks of its framework, as far as those
 * need it that run here: the framework itself wants a kernel with everything in it.
 * Results are KTAP.
 */
#ifndef __TEST_PROGS_H
#define __TEST_PROGS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The tests end one by one when the next begins, and are named by what begins. */
bool test__start_subtest(const char *name);

/* Says what was expected if that is not so. */
bool expect(bool ok, const char *what, const char *expected, long long found);

#define ASSERT_OK(value, what) \
	({ long long v = (value); expect(v == 0, what, "0", v); })
#define ASSERT_OK_FD(value, what) \
	({ long long v = (value); expect(v >= 0, what, "a file descriptor", v); })
#define ASSERT_OK_PTR(value, what) \
	({ long long v = libbpf_get_error(value); expect(v == 0, what, "no error", v); })
#define ASSERT_EQ(value, other, what) \
	({ long long v = (long long)(value); \
	   expect(v == (long long)(other), what, #other, v); })
#define ASSERT_NEQ(value, other, what) \
	({ long long v = (long long)(value); \
	   expect(v != (long long)(other), what, "not " #other, v); })
#define ASSERT_GT(value, other, what) \
	({ long long v = (long long)(value); \
	   expect(v > (long long)(other), what, "more than " #other, v); })

#endif
