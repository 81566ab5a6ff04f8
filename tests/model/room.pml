/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waiting for room in a tree of containers, usage/waiters.rs: waiters are counted by
 * container, and for the machine. Who frees pages wakes only those who wait for them.
 *
 * Containers A <- X; X has a stock, which is found once it is noted. TASKS tasks wait,
 * each in A or in X: in the one that had no room. What happens meanwhile is one of
 *	(nothing said)	the only page of X comes back, by way of the stock or not
 *	TWO		both pages do
 *	CHARGER		somebody charges 2 pages to X and needs only 1
 *	LIMIT		both limits are raised
 *	LOWER		a limit is lowered while somebody charges, and put back
 *	SETTERS		a limit is lowered by one, and then raised by another
 *	ENABLE		the OOM killer is enabled in both
 *	OFFLINE		X goes offline, and all wait there
 * and also, with REFUSED, a page is charged to X for a moment, with REFUSED_TWICE by
 * two at a time; with DRAINER, somebody drains the stocks of A and below. Nobody has a
 * reason to sleep in the end: spin calls it an invalid end state if somebody does.
 *
 * A step is one access to what others see. Plain stores stay in a store buffer for
 * as long as they like; all other operations are full barriers in the code. #ifdef
 * names what another variant does; see the file "runs".
 */
#define A	0
#define X	1

#ifndef TASKS
#define TASKS	2
#endif
#if defined(CHARGER) || defined(LOWER) || defined(SETTERS)
#define INITIAL	3
#elif defined(TWO)
#define INITIAL	2
#else
#define INITIAL	1
#endif
#define HIGHER	9

#ifdef TWO
byte usage[2] = 2;
#else
byte usage[2] = 1;
#endif
byte limit[2] = INITIAL;
bool disable[2] = true;	/* oom_kill_disable */
byte stock;		/* of X */
bool noted;		/* stocked.rs: a drain finds the stock */
bool dying;		/* X */

/* Stores on their way: a limit, and that the OOM killer is enabled. */
byte limit_buffer[2];
bool enable_buffer[2];

byte waiting;		/* memctl_watchers: tasks on the machine that wait */
byte waiters[2];	/* oom_waiters(), by container */
byte where[TASKS];
bool queued[TASKS];	/* on the queue of its container, and not woken since */

/* waiters.rs, wake(): those who wait in a container, and above it. */
inline wake(m)
{
	if
	:: waiting != 0 ->
		c = m;
		do
		:: c <= X ->
			if
			:: waiters[c] != 0 ->
				d_step {
					for (i : 0 .. TASKS - 1) {
						queued[i] = queued[i] && where[i] != c
					}
					i = 0
				}
			:: else
			fi;
#ifndef SELF_ONLY
			c--
#else
			break
#endif
		:: else -> break
		od;
		c = 0
	:: else
	fi
}

/* waiters.rs, wake_after_charge(): only where there is room now. */
inline wake_after_charge(m)
{
	if
	:: waiting != 0 ->
		c = m;
		do
		:: c <= X ->
			if
			:: waiters[c] != 0 ->
				n = limit[c];
				if
				:: usage[c] < n ->
					d_step {
						for (i : 0 .. TASKS - 1) {
							queued[i] = queued[i] && where[i] != c
						}
						i = 0
					}
				:: else
				fi;
				n = 0
			:: else
			fi;
			c--
		:: else -> break
		od;
		c = 0
	:: else
	fi
}

/* res_counter.rs, uncharge() */
inline uncharge(n)
{
	usage[X] = usage[X] - n;
	usage[A] = usage[A] - n
}

/* stock.rs, drain(): of m and below. Only X has something. */
inline drain(m)
{
	if
	:: noted -> atomic { nr = stock; stock = 0 }
	:: else
	fi;
	if
	:: nr != 0 ->
		uncharge(nr);
#if defined(DRAIN_ROOT)
		wake(m);
#elif !defined(DRAIN_SILENT)
		wake(X);
#endif
		nr = 0
	:: else
	fi
}

/* stock.rs, refill(). Only who finds the stock empty has it noted. */
inline refill(n)
{
	atomic { c = stock; stock = stock + n };
#ifdef NOTE_LATE
	wake(X);
	noted = true
#else
	if
	:: c == 0 -> noted = true
	:: else
	fi;
	c = 0;
#ifndef REFILL_SILENT
	wake(X)
#endif
#endif
}

#define begin_machine()	waiting++
#define begin_here()	waiters[m]++

/* oom.rs, synchronize(); waiters.rs, UnderOom::wait_until() */
proctype Waiter(byte me)
{
	byte m, nr, c, i;

	atomic {
		if
#ifndef OFFLINE
		:: m = A
#endif
		:: m = X
		fi;
		where[me] = m
	};
#ifdef MACHINE_FIRST
	begin_machine();
	begin_here();
#else
#ifndef HERE_LATE
	begin_here();
#endif
#ifndef MACHINE_LATE
	begin_machine();
#endif
#endif
	do
	:: queued[me] = true;
	   if
	   :: !disable[m] || (dying && m == X) -> break
	   :: else
	   fi;
#ifndef NO_DRAIN
	   drain(m);
#endif
	   nr = limit[m];
	   if
	   :: usage[m] < nr -> break
	   :: else
	   fi;
	   nr = 0;
#ifdef HERE_LATE
	   begin_here();
#endif
#ifdef MACHINE_LATE
	   begin_machine();
#endif
	   /* schedule() */
	   !queued[me];
#ifdef MACHINE_LATE
	   waiting--;
#endif
#ifdef HERE_LATE
	   waiters[m]--;
#endif
	od;
	nr = 0;
	queued[me] = false;
#ifndef MACHINE_LATE
	waiting--;
#endif
#ifndef HERE_LATE
	waiters[m]--;
#endif
	skip
}

/* uncharge.rs, uncharge(), by way of the stock or of give_back() */
proctype Uncharger()
{
	byte c, i;

#ifdef WAKE_FIRST
	wake(X);
#endif
	if
	:: refill(1)
	:: uncharge(1);
#ifndef WAKE_FIRST
	   wake(X)
#endif
	fi
}

/* charge.rs, charge_counters() */
proctype Charger()
{
	byte c, i;

	atomic { usage[X] + 2 <= limit[X] -> usage[X] = usage[X] + 2 };
	atomic { usage[A] + 2 <= limit[A] -> usage[A] = usage[A] + 2 };
	refill(1)
}

/* charge.rs, charge_counters(): there is no room in A. */
proctype Refused()
{
	byte c, i, n;

	if
	:: atomic { usage[X] < limit[X] -> usage[X]++ };
#ifdef WAKE_BEFORE
	   wake_after_charge(X);
#endif
	   usage[X]--;
#if !defined(REFUSED_SILENT) && !defined(WAKE_BEFORE)
	   wake_after_charge(X)
#endif
	:: usage[X] >= limit[X]
	fi
}

proctype Drainer()
{
	byte nr, c, i;

	drain(A)
}

/* reclaim.rs, set_limit(), or force_limit() */
proctype Raiser(byte m)
{
	byte c, i;

#ifndef LIMIT_PLAIN
	limit[m] = HIGHER;
#else
	limit_buffer[m] = HIGHER;
#endif
	wake(m)
}

/* life.rs, offline(). Long before that it was said that it would. */
proctype Offliner()
{
	byte c, i;

	dying = true;
#ifndef OFFLINE_SILENT
	wake(X)
#endif
}

/* oom.rs, set_kill_disable() */
proctype Enabler(byte m)
{
	byte c, i;

	enable_buffer[m] = true;
#ifndef ENABLE_NO_BARRIER
	!enable_buffer[m];
#endif
	wake(m)
}

/* res_counter.rs, set_limit(), to 1 page, and try_charge_one() */
proctype Lowerer()
{
	byte c, i;

	if
	:: usage[X] <= 1 ->
		limit[X] = 1;
		if
		:: usage[X] <= 1 ->
			/* It is the limit now, until it is raised again. */
			limit[X] = INITIAL;
			wake(X)
		:: else ->
#ifndef LOWER_PLAIN
			limit[X] = INITIAL;
#else
			limit_buffer[X] = INITIAL;
#endif
#ifndef LOWER_SILENT
			wake(X)
#endif
		fi
	:: else
	fi
}

/* reclaim.rs, set_limit(), of two at once: that to 2 pages comes last. */
bool lowered;

proctype Setter(byte to)
{
	byte c, i;
	bool raised;

#ifdef RAISED_STALE
	raised = to > limit[X];
#else
	raised = true;
#endif
	if
	:: to == 2 -> lowered
	:: else
	fi;
	limit[X] = to;
	lowered = true;
	if
	:: raised -> wake(X)
	:: else
	fi
}

proctype ChargeOne()
{
	byte c, i, n;

	if
	:: atomic { usage[X] < limit[X] -> usage[X]++ };
	   if
	   :: usage[X] > limit[X] -> usage[X]--
	   :: else
	   fi
	:: usage[X] >= limit[X]
	fi;
	wake_after_charge(X)
}

/* Stores leave the buffers. */
proctype Store(byte m)
{
end:	do
	:: d_step { limit_buffer[m] != 0 -> limit[m] = limit_buffer[m]; limit_buffer[m] = 0 }
	:: d_step { enable_buffer[m] -> disable[m] = false; enable_buffer[m] = false }
	od
}

init {
	byte n;

	atomic {
		for (n : 0 .. TASKS - 1) {
			run Waiter(n)
		}
		run Store(A);
		run Store(X);
#if defined(CHARGER)
		run Charger();
#elif defined(LIMIT)
		run Raiser(A);
		run Raiser(X);
#elif defined(ENABLE)
		run Enabler(A);
		run Enabler(X);
#elif defined(OFFLINE)
		run Offliner();
#elif defined(LOWER)
		run Lowerer();
		run ChargeOne();
#elif defined(SETTERS)
		run Setter(1);
		run Setter(2);
#elif defined(TWO)
		run Uncharger();
		run Uncharger();
#else
		run Uncharger();
#endif
#ifdef REFUSED
		run Refused();
#ifdef REFUSED_TWICE
		run Refused();
#endif
#endif
#ifdef DRAINER
		run Drainer();
#endif
		n = 0
	}
}
