/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who flushes, and who need not: c/changed.rs, Lock::unless_flushed() and flush();
 * and counts of which there is one for all CPUs: c/counts.rs, Rare.
 *
 * One container with one such count. ADDERS tasks add to it, each ADDS times; READERS
 * tasks want its total, and see all that was added, by those who are not in the middle
 * of it, when they come. One row is all that there is of rows.pml: it is listed, or not.
 *
 * A step is one access to what others see; all operations are full barriers in the
 * code, or follow one. What must hold is said by assert(). #ifdef names what another
 * variant does; see the file "runs".
 */
#ifndef ADDERS
#define ADDERS	2
#endif
#ifndef ADDS
#define ADDS	1
#endif
#ifndef READERS
#define READERS	2
#endif

/* Rare */
byte count;
bool changed;

bool listed;		/* the row by which the container is found */
bool locked;
byte total;

byte begun_last, ended_last;	/* BEGUN and ENDED */

byte added;		/* what all may know of */
byte adding;		/* adders in the middle */
byte done;

/* counts.rs, add(), and count.rs, mod_rare() */
proctype Adder()
{
	byte times = ADDS;
	bool first;

	do
	:: times > 0 ->
		times--;
		adding++;
#ifndef FLAG_FIRST
		count++;
#endif
		if
		:: changed
		:: !changed ->
			atomic { first = !changed; changed = true };
			/* Rows::mark() */
			if
			:: first -> listed = true
			:: else
			fi
		fi;
#ifdef FLAG_FIRST
		count++;
#endif
		d_step { first = false; added++; adding-- }
	:: else -> break
	od;
	done++
}

/* counts.rs, take() */
inline take()
{
#ifndef FLAG_LATE
	atomic { was = changed; changed = false };
#else
	was = changed;
#endif
	if
	:: was ->
#ifndef TAKE_PLAIN
		d_step { n = count; count = 0 };
#else
		n = count;
		count = 0;
#endif
		total = total + n;
		n = 0
	:: else
	fi;
#ifdef FLAG_LATE
	changed = false;
#endif
	was = false
}

/* changed.rs, flush() */
inline carry_up()
{
#ifndef BEGUN_LATE
	d_step { begun_last++; mine = begun_last };
#endif
	d_step { was = listed; listed = false };
	if
	:: was -> take()
	:: else
	fi;
#ifdef BEGUN_LATE
	d_step { begun_last++; mine = begun_last };
#endif
	atomic { ended_last = mine; mine = 0 }
}

proctype Reader()
{
	byte promised, begun, came, mine, n;
	bool was, newer;

#ifdef BEGUN_EARLY
	begun = begun_last;
#endif
	/* What happened before. */
	d_step { promised = (adding == 0 -> added : 0) };
	/* The last moment before it asks for the lock. */
#ifdef AFTER_LOCK
	came = begun_last;
#elif defined(BEGUN_EARLY)
	came = 255;
#else
	atomic { begun = begun_last; came = begun };
#endif
	atomic { !locked -> locked = true };
#ifdef AFTER_LOCK
	begun = begun_last;
#endif
	d_step {
#ifndef NOT_NEWER
		newer = ended_last > begun;
#else
		newer = ended_last >= begun;
#endif
		/* Nobody flushes for who came before another flush began. */
		assert(newer || begun_last <= came)
	};
	if
	:: newer
	:: else -> carry_up()
	fi;
	atomic { newer = false; begun = 0; came = 0; locked = false };
	atomic { assert(total >= promised); promised = 0; done++ }
}

init {
	byte n, mine;
	bool was;

	atomic {
		for (n : 1 .. ADDERS) {
			run Adder()
		}
		for (n : 1 .. READERS) {
			run Reader()
		}
		n = 0
	}
	done == ADDERS + READERS;
	carry_up();
	assert(total == added)
}
