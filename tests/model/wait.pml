/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waiting for room: tasks that wait in a container, pages that come back to it by
 * way of a stock, and somebody who charges ahead.
 *
 * One container with one stock; TASKS tasks wait for room in it. Somebody uncharges
 * the only page there is room for. With CHARGER it is somebody who charges the last
 * 2 pages and needs only 1, while those who wait look. With REFUSED there is also
 * somebody who charges the page for a moment, because there is no room above the
 * container. There is room in the end, so nobody may sleep then: spin calls that an
 * invalid end state.
 *
 * A step is one access to what others see; all operations used are full barriers
 * in the code. #ifdef names what a broken variant does; see the file "runs".
 */
#ifndef TASKS
#define TASKS	2
#endif
#ifdef CHARGER
#define LIMIT	3
#else
#define LIMIT	1
#endif

byte usage = 1;
byte stock;
byte waiters;		/* usage/waiters.rs */
bool queued[TASKS];	/* on memctl_oom_waitq, and not woken since */

/* waiters.rs, wake() */
inline wake_waiters()
{
	if
	:: waiters != 0 ->
		d_step {
			i = 0;
			do
			:: i < TASKS -> queued[i] = false; i++
			:: else -> break
			od;
			i = 0
		}
	:: else
	fi
}

/* oom.rs, synchronize(); waiters.rs, Waiting::until() */
proctype Waiter(byte me)
{
	byte nr, i;

#ifndef LOOK_FIRST
	waiters++;
#endif
	do
	:: queued[me] = true;
	   /* stock.rs, drain_one() */
#ifndef NO_DRAIN
	   atomic { nr = stock; stock = 0 };
	   if
	   :: nr != 0 ->
		usage = usage - nr;
#ifndef DRAIN_SILENT
		wake_waiters()
#endif
	   :: else
	   fi;
#endif
	   if
	   :: usage < LIMIT -> break
	   :: else
	   fi;
#ifdef LOOK_FIRST
	   waiters++;
#endif
	   /* schedule() */
	   !queued[me]
	od;
	queued[me] = false
}

/* uncharge.rs, uncharge() */
proctype Uncharger()
{
	byte i;

#ifndef WAKE_FIRST
	stock++;
	wake_waiters()
#else
	wake_waiters();
	stock++
#endif
}

#ifdef CHARGER
/* charge.rs, charge_counters() */
proctype Charger()
{
	byte i;

	atomic { usage + 2 <= LIMIT -> usage = usage + 2 };
	stock++;
#ifndef CHARGE_SILENT
	wake_waiters()
#endif
}
#endif

#ifdef REFUSED
/* charge.rs, charge_counters(); res_counter.rs, try_charge() */
proctype Refused()
{
	byte i;

	if
	:: atomic { usage < LIMIT -> usage++ };
	   usage--;
#ifndef REFUSED_SILENT
	   wake_waiters()
#endif
	:: usage == LIMIT
	fi
}
#endif

init {
	byte n;

	atomic {
		for (n : 0 .. TASKS - 1) {
			run Waiter(n)
		}
#ifdef CHARGER
		run Charger()
#else
		run Uncharger()
#endif
#ifdef REFUSED
		run Refused()
#endif
	}
}
