/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stocks: charging and uncharging on two CPUs, against drains and, with REMOVE,
 * the removal of the container.
 *
 * Containers G <- X: X is removed, then what its handle names is G. G has a limit
 * of LIMIT pages, and both have a stock on each CPU, of no more than BATCH pages.
 * USERS tasks of X charge one page each; some keep it, some uncharge it.
 *
 * A step is one access to what others see. An atomic sequence is one atomic
 * operation of the code, or more where that takes nothing away: a check, to enter
 * RCU with the first access and to leave it with the last; and both levels of a
 * counter, of which only the upper one has a limit.
 *
 * A task uses the stock of any CPU at any time: it looks up that of its CPU, and may
 * be on another one, or that one gone, before it uses it. A CPU that goes away
 * leaves its stocks where they are, so nothing has to be modelled for that.
 *
 * What must hold is said by assert(), and at the end of init. #ifdef names what a
 * broken variant does in another way; see the file "runs".
 */
#define G	0
#define X	1

#ifndef USERS
#define USERS	2
#endif
#ifndef LIMIT
#define LIMIT	2
#endif
#define BATCH	2
#define CPUS	2
#define DRAINER	USERS

short stock[4];		/* slot STOCK, by container and CPU */
#define slot(m, cpu)	((m) * CPUS + (cpu))
short usage[2];
byte css[2];
bool dying, visible = true, freed;
byte memcg = X;		/* of the handle that folios are bound to */
byte used;		/* pages that folios have */
byte done;

/* RCU, as in owner.pml. One grace period before X goes offline, one before free. */
byte inside;
byte gp[2];
#define begin_gp(g)	gp[g] = inside
#define end_gp(g)	gp[g] == 0
#define rcu_read_lock()	inside = inside | (1 << me)
inline rcu_read_unlock()
{
	d_step {
		inside = inside & ~(1 << me);
		gp[0] = gp[0] & ~(1 << me);
		gp[1] = gp[1] & ~(1 << me)
	}
}

#define lives(m)	(m == G || !freed)

/* res_counter.rs, uncharge() and try_charge(). X has no limit. */
inline uncharge(m, n)
{
	d_step {
		assert(lives(m));
		assert(usage[G] >= n && (m == G || usage[X] >= n));
		usage[G] = usage[G] - n;
		usage[X] = usage[X] - (m == X -> n : 0)
	}
}

inline try_charge(m, n)
{
	atomic {
		assert(lives(m));
		ok = usage[G] + n <= LIMIT;
		usage[G] = usage[G] + (ok -> n : 0);
		usage[X] = usage[X] + (ok && m == X -> n : 0)
	}
}

/* PerCpuSlots::local() */
inline this_cpu(m)
{
	if
	:: at = slot(m, 0)
	:: at = slot(m, 1)
	fi
}

/* stock.rs, consume() and take() */
inline consume(m)
{
	atomic { this_cpu(m); assert(lives(m)); old = stock[at] };
	do
	:: old >= 1 ->
#ifndef TAKE_PLAIN
		d_step {
			ok = stock[at] == old;
			stock[at] = stock[at] - ok;
			old = stock[at]
		};
#else
		d_step { ok = true; stock[at] = old - 1 };
#endif
		if
		:: ok -> break
		:: else
		fi
	:: else -> ok = false; break
	od;
	atomic { old = 0; at = 0 }
}

/*
 * stock.rs, refill() and put(). The caller is under RCU and has looked whether m
 * is dying, which ok says. Leaves RCU.
 */
inline refill(m, n)
{
#ifdef REFILL_NO_RCU
	atomic { rcu_read_unlock() };
#endif
	if
#ifndef REFILL_DYING
	:: ok -> old = n
	:: else ->
#else
	::
#endif
		atomic {
			this_cpu(m);
			assert(lives(m));
			stock[at] = stock[at] + n;
			old = stock[at]
		};
		if
		:: old > BATCH ->
			atomic {
				assert(lives(m));
#ifndef SURPLUS_STALE
				old = stock[at];
#endif
				stock[at] = 0
			}
		:: else -> old = 0
		fi
	fi;
	atomic {
		if
		:: old > 0 -> uncharge(m, old)
		:: else
		fi;
		old = 0;
		at = 0;
		rcu_read_unlock()
	}
}

/* stock.rs, drain_alone() and drain_one() */
inline drain_alone(m)
{
	cpu = 0;
	do
	:: cpu < CPUS ->
#ifdef DRAIN_ONLINE
		if
		:: cpu == 1 -> cpu = 0; break
		:: else
		fi;
#endif
		atomic { assert(lives(m)); old = stock[slot(m, cpu)] };
		if
		:: old != 0 ->
#ifndef DRAIN_PLAIN
			d_step {
				assert(lives(m));
				old = stock[slot(m, cpu)];
				stock[slot(m, cpu)] = 0
			};
#else
			stock[slot(m, cpu)] = 0;
#endif
			if
			:: old > 0 -> uncharge(m, old)
			:: else
			fi;
			old = 0
		:: else
		fi;
		cpu++
	:: else -> cpu = 0; break
	od
}

/* stock.rs, drain() of G, and iter.rs, below() */
inline drain()
{
#ifndef DRAIN_NO_RCU
	atomic { rcu_read_lock() };
#endif
	drain_alone(G);
	/* The next one is looked up when the walk gets there. */
	ok = visible;
	if
	:: ok -> drain_alone(X)
	:: else
	fi;
	atomic { rcu_read_unlock() }
}

proctype User(byte me)
{
	byte m, at, cpu;
	short old;
	bool ok;

	/* charge.rs, charge_folio() */
	atomic { rcu_read_lock(); m = memcg };
	consume(m);
	if
	:: ok -> atomic { rcu_read_unlock() }
	:: else ->
		/* held_memcg() */
		atomic {
			if
			:: m == X && css[X] == 0 -> assert(memcg == G); m = G
			:: else
			fi;
			assert(lives(m));
			css[m]++;
			rcu_read_unlock()
		};
		/* try_charge() */
		consume(m);
		if
		:: !ok ->
			/* charge_counters() */
			try_charge(m, BATCH);
			if
			:: ok ->
				atomic { rcu_read_lock(); ok = m == X && dying };
				refill(m, BATCH - 1);
				ok = true
			:: else ->
				try_charge(m, 1);
				if
				:: !ok ->
					drain();
					try_charge(m, 1)
				:: else
				fi
			fi
		:: else
		fi;
		d_step { assert(lives(m) && css[m] > 0); css[m]-- }
	fi;
	if
	:: ok ->
		used++;
		if
		:: skip		/* it stays */
		:: /* Uncharge::flush() */
		   atomic {
			used--;
			rcu_read_lock();
			m = memcg;
			ok = m == X && dying
		   };
		   refill(m, 1)
		fi
	:: else
	fi;
	done++
}

/* Somebody for whom G has no room, or who looks whether it has. */
proctype Drainer()
{
	byte me = DRAINER;
	byte cpu;
	short old;
	bool ok;

	drain();
	done++
}

/* The removal of X, as the cgroup core and life.rs do it. */
proctype Core()
{
	byte cpu;
	short old;

	/* kill_css_sync() to css_killed_work_fn() */
	atomic { dying = true; begin_gp(0) };
	end_gp(0);
	/* life::offline() */
	memcg = G;
#ifndef NO_OFFLINE_DRAIN
	drain_alone(X);
#endif
	/* Nobody has put anything into the stocks since. */
	atomic {
		assert(stock[slot(X, 0)] == 0 && stock[slot(X, 1)] == 0);
		css[X]--
	};
	/* css_release_work_fn(), css_free_rwork_fn() */
	atomic { css[X] == 0 -> visible = false };
	begin_gp(1);
	end_gp(1);
	/* life::free() */
	atomic {
		freed = true;
		assert(stock[slot(X, 0)] == 0 && stock[slot(X, 1)] == 0)
	};
	done++
}

init {
	byte me = DRAINER + 1;
	byte cpu;
	short old;
	bool ok;

	atomic {
		css[G] = 1; css[X] = 1;
		for (cpu : 0 .. USERS - 1) {
			run User(cpu)
		}
		cpu = 0;
		run Drainer();
#ifdef REMOVE
		run Core()
#endif
	}

	/* Nobody can do anything any more. */
	timeout;
	assert(inside == 0);
#ifdef REMOVE
	assert(done == USERS + 2 && freed);
#else
	assert(done == USERS + 1);
#endif

	drain();
	assert(usage[G] == used)
}
