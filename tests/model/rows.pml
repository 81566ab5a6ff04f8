/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of changed rows, rust/kernel/percpu/rows.rs: who counts, in tasks and
 * interrupts, against who flushes, and, with REMOVE, the removal of a container.
 *
 * A row has what a container counts on a CPU. Row r is that of CPU r % CPUS and of
 * container r / CPUS; with REMOVE the last one is that of the container that goes. A
 * CPU has a task that
 * counts TASK times, an interrupt that counts IRQ times and an NMI that counts NMI
 * times; each begins between any two steps of what it interrupts. A task may push a
 * container to the list of another CPU: it may have moved.
 *
 * A step is one access to what others see. What a CPU has added to a row stays in
 * its store buffer, for as long as it likes or until a full barrier; it leaves in no
 * order, which is more than x86 does. All other stores of an updater are atomic
 * operations or precede one. A compare-and-exchange that fails is no barrier.
 *
 * A grace period has passed when each CPU was quiet since it was asked for: it ran
 * no interrupt, and its task had preemption on. To be quiet is a full barrier.
 *
 * What must hold is said by assert(). #ifdef names what another variant does; see
 * the file "runs".
 */
#ifndef CPUS
#define CPUS	1
#endif
#ifndef ROWS
#define ROWS	2
#endif
#ifndef TASK
#define TASK	1
#endif
#ifndef IRQ
#define IRQ	1
#endif
#ifndef NMI
#define NMI	0
#endif
#ifndef FLUSHERS
#define FLUSHERS	1
#endif
#define X	(ROWS - 1)
#define OWNERS	((ROWS + CPUS - 1) / CPUS)
#define NONE	ROWS
#define ALL	((1 << CPUS) - 1)
#define cpu_of(r)	((r) % CPUS)
#define owner_of(r)	((r) / CPUS)

/* Rows. */
byte running[ROWS];	/* as all see it */
byte buffer[ROWS];	/* what the CPU has added, and others do not see yet */
bool listed[ROWS];
byte link[ROWS] = NONE;

byte claims[CPUS];	/* how many are about to list something there */
byte owner_claims[OWNERS];	/* how many a row of another CPU */

/* Containers. */
byte changed[OWNERS] = NONE;	/* rows that are listed */
bool owner_listed[OWNERS];
byte owner_link[OWNERS] = NONE;
byte head[CPUS] = NONE;	/* containers that are listed, by CPU */
byte mask;		/* percpu/bits.rs: CPUs that have listed some */

/* The flusher's. */
bool locked;
byte seen[ROWS];
byte total[ROWS];
byte watched[ROWS] = NONE;	/* rows to be looked at again, the oldest first */
byte watching;		/* how many these are */
byte gp[ROWS];		/* CPUs that have not been quiet since a row was taken */

/* What lists must agree with, and what others may rely on. */
bool on[ROWS];		/* it is on a list, or was and is still listed */
bool owner_on[OWNERS];
#ifdef LOOK_FIRST
byte early[ROWS];	/* updates that have looked and not added */
#endif

byte level[CPUS];	/* who runs: 0 the task, 1 the interrupt, 2 the NMI */
bool preempt_off[CPUS];	/* the task's */
byte updating[CPUS];	/* how many updates are begun */
byte users;		/* those of X */
bool dying, freed;
byte done;
byte remote;		/* what another CPU has changed in row 0, and may not have listed */

#ifdef REMOTE
#define REMOTES	1
#else
#define REMOTES	0
#endif
#define here	level[cpu] == me
#define lives(r)	(r != X || !freed)

/* All that a CPU has written is seen by others. */
inline drain(which)
{
	d_step {
		for (k : 0 .. ROWS - 1) {
			if
			:: cpu_of(k) == which ->
				running[k] = running[k] + buffer[k];
				buffer[k] = 0
			:: else
			fi
		}
		k = 0
	}
}

#define barrier()	drain(cpu)
#define quiet(which)	(level[which] == 0 && !preempt_off[which])

/* The CPU is quiet, and some grace period waits for that. */
proctype Quiet(byte cpu)
{
	byte k;

end:	do
	:: atomic {
		quiet(cpu) && ((gp[0] | gp[X]) & (1 << cpu)) ->
		barrier();
		gp[0] = gp[0] & ~(1 << cpu);
#if ROWS > 1
		gp[X] = gp[X] & ~(1 << cpu)
#endif
	   }
	od
}

/* bits.rs, set() */
inline set_bit()
{
	if
	:: atomic { here && (mask & (1 << at)) }
	:: atomic { here && !(mask & (1 << at)) };
	   /* Others may have come in between. */
	   atomic { here -> mask = mask | (1 << at); barrier() }
	fi
}

/* rows.rs, push(): of a row, for who has set listed */
inline push_row()
{
	do
	:: atomic { here ->
		assert(lives(r) && !on[r]);
		first = changed[owner_of(r)];
		link[r] = first
	   };
	   atomic { here ->
		if
		:: changed[owner_of(r)] == first ->
			assert(lives(r) && !on[r] && link[r] == first);
			changed[owner_of(r)] = r;
			on[r] = true;
			barrier();
			break
		:: else
		fi
	   }
	od;
	first = 0
}

/* The same of a container, and list(). */
inline push_owner()
{
	do
	:: atomic { here ->
		assert(lives(r) && !owner_on[owner_of(r)]);
		first = head[at];
		owner_link[owner_of(r)] = first
	   };
	   atomic { here ->
		if
		:: head[at] == first ->
			assert(lives(r) && !owner_on[owner_of(r)]);
			head[at] = owner_of(r);
			owner_on[owner_of(r)] = true;
			barrier();
			break
		:: else
		fi
	   }
	od;
	first = 0
}

/* rows.rs, claim() */
inline claim()
{
	atomic { here -> at = cpu;
#ifdef MIGRATE
		if
		:: me == 0 -> at = CPUS - 1 - cpu
		:: true
		fi;
#endif
#ifndef NO_CLAIM
		claims[at]++;
#endif
		barrier()
	};
#ifndef BIT_LAST
	set_bit()
#endif
}

inline unclaim()
{
#ifdef BIT_LAST
	set_bit();
#endif
	atomic { here ->
#ifndef NO_CLAIM
		claims[at]--;
#endif
		at = 0
	}
}

/* rows.rs, list_with() */
inline list_owner()
{
	atomic { here -> assert(lives(r)); was = owner_listed[owner_of(r)] };
	if
	:: was
	:: else ->
		atomic { here ->
			assert(lives(r));
			was = owner_listed[owner_of(r)];
			if
			:: !was -> owner_listed[owner_of(r)] = true; barrier()
			:: else
			fi
		};
		if
		:: !was -> push_owner()
		:: else
		fi
	fi
}

/* rows.rs, put() */
inline list()
{
	claim();
	atomic { here ->
		assert(lives(r));
		was = listed[r];
		if
		:: !was -> listed[r] = true; barrier()
		:: else
		fi
	};
#ifdef PUSH_ANYWAY
	was = false;
#endif
	if
	:: !was ->
#ifndef MARK_FIRST
		push_row();
		list_owner()
#else
		list_owner();
		push_row()
#endif
	:: else
	fi;
	unclaim()
}

#define add()	buffer[r]++
#define look()	was = listed[r]

/* helpers/percpu.c, percpu_row_add(), and rows.rs, add() */
inline update()
{
	/* Preemption is off, in a task. */
	atomic { here ->
		assert(lives(r));
#ifdef LOOK_FIRST
		look();
		early[r]++;
#else
		add();
#endif
		updating[cpu]++;
#ifndef PREEMPT_ON
		preempt_off[cpu] = (me == 0 -> true : preempt_off[cpu])
#endif
	};
	atomic { here ->
		assert(lives(r));
#ifdef LOOK_FIRST
		add();
		early[r]--;
#else
		look();
#endif
		preempt_off[cpu] = (me == 0 -> false : preempt_off[cpu])
	};
	if
	:: was
	:: else ->
		list()
	fi;
	atomic { was = false; updating[cpu]-- }
}

/* A task, an interrupt or an NMI of a CPU. */
proctype Updater(byte cpu; byte me; byte times)
{
	byte r, first, interrupted, at, k;
	bool was;

	do
	:: times > 0 ->
		atomic {
			level[cpu] <= me ->
			interrupted = level[cpu];
			level[cpu] = me;
			times--;
#ifdef REMOVE
			if
			:: r = 0
			:: !dying -> r = X; users++
			fi
#else
			if
			:: r = cpu
			:: cpu + CPUS < ROWS -> r = cpu + CPUS
			fi
#endif
		};
		update();
		atomic {
			here ->
			level[cpu] = interrupted;
			interrupted = 0;
#ifdef REMOVE
			/* Who gives back a reference has done before what he did before. */
			if
			:: r == X ->
#ifndef PUT_NO_BARRIER
				barrier();
#endif
				users--
			:: else
			fi;
#endif
			r = 0
		}
	:: else -> break
	od;
	done++
}

/* A store leaves the buffer. */
proctype Store(byte r)
{
end:	do
	:: d_step { buffer[r] > 0 -> running[r]++; buffer[r]-- }
	od
}

/* rows.rs, unwatch(): the row at i. */
inline unwatch_at()
{
	watching--;
	do
	:: i < watching -> watched[i] = watched[i + 1]; i++
	:: else -> watched[i] = NONE; break
	od
}

inline unwatch(row)
{
	i = 0;
	do
	:: i < watching && watched[i] == row -> unwatch_at(); break
	:: i < watching && watched[i] != row -> i++
	:: else -> break
	od;
	i = 0;
	gp[row] = 0
}

/* rows.rs, collect() */
inline visit(row)
{
	assert(lives(row) && running[row] >= seen[row]);
	total[row] = total[row] + running[row] - seen[row];
#ifndef READ_TWICE
	seen[row] = running[row]
#endif
}

inline watch(row)
{
#ifndef COOKIE_EARLY
	unwatch(row);
	gp[row] = ALL;
#endif
#ifdef NO_GP
	gp[row] = 0;
#endif
	watched[watching] = row;
	watching++
}

/* rows.rs, take_off(): what the flusher knows of the CPU of the row */
inline look_at_cpu()
{
	atomic {
		if
		:: quiet(cpu_of(r)) -> drain(cpu_of(r)); sure = true
		:: sure = false
		fi
	}
}

/* rows.rs, take_changed(): of container o. What it has taken off is private. */
inline take_changed(o)
{
	owner_claims[o] == 0;
#ifndef OWNER_LATE
	d_step { r = changed[o]; changed[o] = NONE };
#endif
	do
	:: r != NONE ->
#ifdef COOKIE_EARLY
		d_step { unwatch(r); gp[r] = ALL };
#endif
#ifdef CPU_FIRST
		look_at_cpu();
#endif
		d_step {
			assert(lives(r) && on[r] && listed[r]);
#ifndef NEXT_AFTER
			next = link[r];
#endif
			on[r] = false;
			listed[r] = false
		};
#ifdef NEXT_AFTER
		next = link[r];
#endif
#ifndef CPU_FIRST
		look_at_cpu();
#endif
		d_step {
			if
			:: sure -> unwatch(r)
			:: else ->
#ifndef NO_WATCH
				watch(r)
#endif
			fi;
			sure = false
		};
		d_step { visit(r) };
#ifdef READ_TWICE
		d_step { seen[r] = running[r] };
#endif
		d_step { r = next; next = 0 }
	:: else -> break
	od;
	r = 0
}

/* rows.rs, look_again() */
inline look_again()
{
	c = 0;
	do
	:: c < watching ->
		d_step {
			r = watched[c];
			if
			:: gp[r] == 0 -> unwatch(r)
			:: else -> c++
			fi;
#ifndef LOOK_ONCE
			visit(r)
#endif
		};
#ifdef READ_TWICE
		d_step { seen[r] = running[r] }
#endif
	:: else -> break
	od;
	atomic { c = 0; r = 0 }
}

/* rows.rs, flush(), under the lock */
inline flush_all()
{
	look_again();
#ifndef MASK_LATE
	d_step { bits = mask; mask = 0 };
#else
	bits = mask;
#endif
	do
	:: c < CPUS ->
		if
		:: bits & (1 << c) ->
			claims[c] == 0;
			d_step { own = head[c]; head[c] = NONE };
			do
			:: own != NONE ->
#ifdef OWNER_LATE
				d_step { r = changed[own]; changed[own] = NONE };
#endif
				d_step {
					assert(owner_on[own] && owner_listed[own]);
					own_next = owner_link[own];
					owner_on[own] = false;
					owner_listed[own] = false
				};
				take_changed(own);
				d_step { own = own_next; own_next = 0 }
			:: else -> break
			od
		:: else
		fi;
		c++
	:: else -> break
	od;
#ifdef MASK_LATE
	mask = 0;
#endif
	atomic { c = 0; own = 0; bits = 0 }
}

/* rows.rs, look_at(): container o, under the lock */
inline look_at(o)
{
	c = 0;
	do
	:: c < watching ->
		d_step {
			if
			:: owner_of(watched[c]) == o -> visit(watched[c])
			:: else
			fi;
			c++
		}
	:: else -> break
	od;
	c = 0;
	take_changed(o)
}

/* What is known to others now must be in the totals when a flush ends. */
inline promise()
{
	d_step {
		for (c : 0 .. ROWS - 1) {
			promised[c] = 0;
			if
			:: updating[cpu_of(c)] == 0 ->
				promised[c] = running[c] - (c == 0 -> remote : 0)
			:: else
			fi
		}
		c = 0
	}
}

inline keep_promise(last)
{
	atomic {
		for (c : 0 .. last) {
			assert(total[c] >= promised[c])
		}
		for (c : 0 .. ROWS - 1) {
			promised[c] = 0
		}
		c = 0
	}
}

/* Who wants all, or what container 0 has. */
inline flush()
{
	atomic {
#ifndef NO_MUTEX
		!locked ->
		locked = true;
#endif
		promise()
	};
	flush_all();
	keep_promise(ROWS - 1)
}

inline flush_first()
{
	atomic {
		!locked ->
		locked = true;
		promise()
	};
	look_at(0);
	keep_promise(CPUS - 1)
}

#define flush_locals \
	byte c, r, next, own, own_next, bits, i, k; \
	bool sure; \
	byte promised[ROWS]

proctype Flusher()
{
	flush_locals;

	do
	:: flush(); locked = false
	:: done == (CPUS - REMOTES) * 3 + REMOTES + FLUSHERS - 1 && !locked &&
		buffer[0] == 0 && buffer[X] == 0 && gp[0] == 0 && gp[X] == 0 -> break
	od;
	flush();
	atomic {
		for (c : 0 .. ROWS - 1) {
			assert(total[c] == running[c])
		}
	};
	locked = false
}

#if FLUSHERS > 1
/* Somebody else, once. */
proctype Other()
{
	flush_locals;

#ifdef LEAF
	flush_first();
#else
	flush();
#endif
	locked = false;
	done++
}
#endif

#ifdef REMOTE
/* Another CPU takes something out of row 0, by an atomic operation, once. */
proctype Remote()
{
	byte cpu = CPUS - 1, me = 0, r, first, at, k;
	bool was;

	atomic { running[0]++; remote++; was = listed[0] };
	if
	:: was
	:: else ->
#ifndef NO_OWNER_CLAIM
		owner_claims[0]++;
#endif
		list();
#ifndef NO_OWNER_CLAIM
		owner_claims[0]--
#endif
	fi;
	atomic { was = false; remote--; done++ }
}
#endif

#ifdef REMOVE
/* X is freed: rows.rs, retire() */
proctype Freer()
{
	flush_locals;

	dying = true;
#ifndef FREE_EARLY
	users == 0;
#endif
	atomic { !locked -> locked = true };
#ifndef NO_TAKE
	if
	:: owner_listed[owner_of(X)] -> flush_all()
	:: else
	fi;
#endif
	look_at(owner_of(X));
	atomic {
#ifndef NO_UNLINK
		unwatch(X);
#endif
		assert(!on[X] && !owner_on[owner_of(X)]);
		assert(total[X] == running[X] && buffer[X] == 0);
		freed = true;
		locked = false
	}
}
#endif

init {
	byte n;

	atomic {
		for (n : 0 .. CPUS - REMOTES - 1) {
			run Updater(n, 0, TASK);
			run Updater(n, 1, IRQ);
			run Updater(n, 2, NMI)
		}
		for (n : 0 .. CPUS - 1) {
			run Quiet(n)
		}
		for (n : 0 .. ROWS - 1) {
			run Store(n)
		}
		run Flusher();
#if FLUSHERS > 1
		run Other();
#endif
#ifdef REMOTE
		run Remote();
#endif
#ifdef REMOVE
		run Freer();
#endif
		n = 0
	}
}
