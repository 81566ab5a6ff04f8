/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Byte stocks: objects that come and go on CPUS CPUs, against who gives up what is
 * left there. usage/bytes.rs, and rust/kernel/percpu/quota.rs.
 *
 * A page is PAGE grains, an object one. What was granted to a CPU and what is used
 * there are two counters; what is left is their difference, and kept nowhere. Objects
 * may be freed on another CPU than they came on, so what is used may be negative. The
 * first CPU is home to what is given up and less than a page.
 *
 * A step is one access to what others see. A CPU changes its own counter of use by one
 * instruction; two users may be on one CPU, of which one interrupts the other.
 *
 * What must hold is said by assert(), and at the end of init: every page that was
 * charged is given back, and none twice. In between, what objects use may exceed what
 * was granted by no more than there are users: a CPU may use what another one takes from
 * it right then, which it owes from then on. Who gives up stocks charges what is owed. #ifdef names what a broken variant does
 * in another way; see the file "runs".
 */
#ifndef USERS
#define USERS	2
#endif
#ifndef TIMES
#define TIMES	2
#endif
#define CPUS	2
/* What trim() leaves: no less than what may be owed elsewhere. */
#ifndef KEEP
#define KEEP	2
#endif
#define PAGE	2

short granted[CPUS];
short used[CPUS];
short usage;		/* pages, of the container's counter */
byte done;

#define all_granted	(granted[0] + granted[1])
#define all_used	(used[0] + used[1])

inline this_cpu()
{
	if
	:: cpu = 0
	:: cpu = 1
	fi
}

inline uncharge(n)
{
	d_step {
		/* Counters have more in them than this. */
		assert(usage + USERS >= n);
		usage = usage - n
	}
}

/* quota.rs, take(): what is left above `keep', in multiples of `unit'. */
inline take(unit, keep)
{
	do
	:: old = granted[cpu];
	   left = old - used[cpu];
	   if
	   :: unit > 1 -> n = (left > keep -> left - keep - (left - keep) % unit : 0)
	   :: else -> n = left
	   fi;
	   if
	   :: n == 0 -> break
	   :: else
	   fi;
#ifndef TAKE_PLAIN
	   d_step {
		ok = granted[cpu] == old;
		granted[cpu] = granted[cpu] - (ok -> n : 0)
	   };
	   if
	   :: ok -> break
	   :: else
	   fi
#else
	   granted[cpu] = old - n;
	   break
#endif
	od;
	skip
}

/* bytes.rs, give_up_on() */
inline give_up(which)
{
	if
	:: which != 0 ->
		cpu = which;
		take(1, 0);
		d_step { granted[0] = granted[0] + n; n = 0 }
	:: else
	fi;
	cpu = 0;
	take(PAGE, 0);
#ifndef GIVE_TWICE
	uncharge(n / PAGE);
#else
	uncharge(n / PAGE + (n > 0 -> 1 : 0));
#endif
	/* What is owed is charged. */
#ifndef OWE_ON
	left = granted[0];
	left = left - used[0];
	if
	:: left < 0 ->
		n = (PAGE - 1 - left) / PAGE;
		d_step { usage = usage + n };
		d_step { granted[0] = granted[0] + n * PAGE }
	:: else
	fi;
#endif
	d_step { n = 0; old = 0; left = 0; cpu = 0; ok = false }
}

proctype user()
{
	byte cpu, i;
	short old, left, n;
	bool ok, has;

	do
	:: i < TIMES ->
		i++;
		/* objects.rs, charge_stock(): bytes::take(), or kmem::grant() */
		this_cpu();
		left = granted[cpu];
		left = left - used[cpu];
		if
		:: left >= 1 ->
#ifndef ADD_SPLIT
			d_step { used[cpu] = used[cpu] + 1 }
#else
			old = used[cpu];
			used[cpu] = old + 1
#endif
		:: else ->
			/* What is owed there is charged, too. */
			d_step {
				n = (1 - left + PAGE - 1) / PAGE;
				usage = usage + n
			};
			this_cpu();
#ifndef GRANT_FIRST
			d_step { used[cpu] = used[cpu] + 1 };
			d_step { granted[cpu] = granted[cpu] + n * PAGE; n = 0 }
#else
			d_step { granted[cpu] = granted[cpu] + n * PAGE; n = 0 };
			d_step { used[cpu] = used[cpu] + 1 }
#endif
		fi;
		assert(all_used - all_granted <= USERS);
		/* objects.rs, uncharge(): bytes::put(), and trim() */
		this_cpu();
		d_step { used[cpu] = used[cpu] - 1; left = used[cpu] };
		if
		:: true
		:: true -> take(PAGE, KEEP); uncharge(n / PAGE)
		fi;
		d_step { cpu = 0; old = 0; left = 0; n = 0; ok = false }
	:: else -> break
	od;
	done++
}

proctype drainer()
{
	byte cpu;
	short old, left, n;
	bool ok;

	give_up(1);
	give_up(0);
	done++
}

init {
	byte cpu;
	short old, left, n;
	bool ok;

	atomic {
		run user();
		run drainer();
#if USERS > 1
		run user()
#endif
	};
	done == USERS + 1;
	assert(all_used == 0);
	assert(all_granted == usage * PAGE);
	give_up(1);
	give_up(0);
	assert(usage == 0);
	assert(granted[0] == used[0] && granted[1] == used[1])
}
