// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a test of the kernel tree's BPF suite: test_TEST(), which is linked to it.
 */
#include "test_progs.h"

extern void TEST(void);

static const char *current;
static unsigned int number;
static bool failed;

static void end_subtest(void)
{
	printf("%s %u %s\n", failed ? "not ok" : "ok", ++number, current);
	failed = false;
}

bool test__start_subtest(const char *name)
{
	/* What was set up before is the first one's. */
	if (current)
		end_subtest();
	current = name;
	return true;
}

bool expect(bool ok, const char *what, const char *expected, long long found)
{
	if (!ok) {
		printf("# %s: %lld (errno %d), expected %s\n", what, found, errno, expected);
		failed = true;
	}
	return ok;
}

int main(void)
{
	setlinebuf(stdout);
	puts("KTAP version 1");
	TEST();
	/* Nothing has begun if it could not be set up. */
	if (!current)
		current = "setup";
	end_subtest();
	printf("1..%u\n", number);
	return 0;
}
