/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stocks: charging and uncharging on CPUS CPUs, against drains and, with REMOVE,
 * the removal of the container.
 *
 * Containers G <- X: X is removed, then what its handle names is G. G has a limit
 * of LIMIT pages, and both have a stock on each CPU, of no more than BATCH pages. A
 * CPU notes one container that has. USERS tasks charge one page each, to X, or to G;
 * some keep it, some uncharge it.
 *
 * A step is one access to what others see. An atomic sequence is one atomic
 * operation of the code, or more where that takes nothing away: a check, to enter
 * RCU with the first access and to leave it with the last; and both levels of a
 * counter, of which only the upper one has a limit.
 *
 * A task uses the stock of any CPU at any time: it looks up that of its CPU, and may
 * be on another one, or that one gone, before it uses it. A CPU that goes away
 * leaves its stocks and what it has noted where they are, so nothing has to be
 * modelled for that. has_room() may say anything.
 *
 * What must hold is said by assert(), and at the end of init. #ifdef names what a
 * broken variant does in another way; see the file "runs".
 */
#define G	0
#define X	1
#define NONE	2

#ifndef USERS
#define USERS	2
#endif
#ifndef LIMIT
#define LIMIT	2
#endif
#define BATCH	2
#ifndef CPUS
#define CPUS	1
#endif
#define DRAINER	USERS
#define LAST	(CPUS - 1)

short stock[2 * CPUS];	/* slot STOCK, by container and CPU */
#define slot(m, cpu)	((m) * CPUS + (cpu))
byte noted[CPUS] = NONE;	/* stocked.rs, by CPU */
byte busy;		/* how many are in the middle of something */
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

/* Who has a stock is noted. */
#define is_found(m, cpu)	(stock[slot(m, cpu)] == 0 || noted[cpu] == m)
#define all_found() \
	(is_found(G, 0) && is_found(X, 0) && is_found(G, LAST) && is_found(X, LAST))
#define is_empty(m)	(stock[slot(m, 0)] == 0 && stock[slot(m, LAST)] == 0)
#define is_forgotten(m)	(noted[0] != m && noted[LAST] != m)

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

/* A CPU to be on. */
inline this_cpu()
{
	if
	:: cpu = 0
#if CPUS > 1
	:: cpu = 1
#endif
	fi
}

/* stock.rs, consume() and take() */
inline consume(m)
{
	atomic { this_cpu(); assert(lives(m)); old = stock[slot(m, cpu)] };
	do
	:: old >= 1 ->
#ifndef TAKE_PLAIN
		d_step {
			ok = stock[slot(m, cpu)] == old;
			stock[slot(m, cpu)] = stock[slot(m, cpu)] - ok;
			old = stock[slot(m, cpu)]
		};
#else
		d_step { ok = true; stock[slot(m, cpu)] = old - 1 };
#endif
		if
		:: ok -> break
		:: else
		fi
	:: else -> ok = false; break
	od;
	atomic { old = 0; cpu = 0 }
}

/* stock.rs, take_back() */
inline take_back(m)
{
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
	fi
}

/* stock.rs, refill(); stocked.rs, note() */
inline make_place(m)
{
#ifndef NOTE_DYING
	ok = m == X && dying;
#else
	ok = false;
#endif
	if
	:: ok -> take_back(m)
	:: else ->
		ok = noted[cpu] == m;
		if
		:: ok
		:: else ->
#ifndef EVICT_FIRST
			d_step { other = noted[cpu]; noted[cpu] = m };
#else
			other = noted[cpu];
#endif
			if
#ifndef EVICT_KEEPS
			:: other != NONE -> take_back(other)
#endif
			:: else
			fi;
#ifdef EVICT_FIRST
			noted[cpu] = m;
#endif
			other = 0
		fi
	fi;
	ok = false
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
	:: ok -> surplus = n
	:: else ->
#else
	::
#endif
		atomic { this_cpu(); busy++; assert(lives(m)); old = stock[slot(m, cpu)] };
		if
		:: old == 0 -> surplus = n	/* has_room() says no */
		:: true ->
#ifdef NOTE_FIRST
			if
			:: old == 0 -> make_place(m)
			:: else
			fi;
#endif
			d_step {
				assert(lives(m));
				old = stock[slot(m, cpu)];
				stock[slot(m, cpu)] = stock[slot(m, cpu)] + n
			};
			if
			:: old + n > BATCH ->
				atomic {
					assert(lives(m));
#ifndef SURPLUS_STALE
					surplus = stock[slot(m, cpu)];
#else
					surplus = old + n;
#endif
					stock[slot(m, cpu)] = 0
				}
			:: else
			fi;
#ifndef NOTE_FIRST
			if
			:: old == 0 -> old = 0; make_place(m)
			:: else
			fi
#endif
		fi;
		d_step { busy--; assert(busy > 0 || all_found()) }
	fi;
	atomic {
		if
		:: surplus > 0 -> uncharge(m, surplus)
		:: else
		fi;
		surplus = 0;
		old = 0;
		cpu = 0;
		ok = false;
		rcu_read_unlock()
	}
}

/* stock.rs, drain() of G, and stocked.rs, all() */
inline drain()
{
#ifndef DRAIN_NO_RCU
	atomic { rcu_read_lock() };
#endif
	do
	:: cpu < CPUS ->
		other = noted[cpu];
		if
		:: other != NONE -> take_back(other)
		:: else
		fi;
		other = 0;
		cpu++
#ifdef DRAIN_ONLINE
		; break
#endif
	:: else -> break
	od;
	cpu = 0;
	atomic { rcu_read_unlock() }
}

#define stock_locals \
	byte cpu, other; \
	short old, surplus; \
	bool ok

proctype User(byte me)
{
	byte m;
	stock_locals;
	bool of_g;

	/* charge.rs, charge_folio() */
	atomic {
		if
		:: me > 0 -> of_g = true
		:: of_g = false
		fi;
		rcu_read_lock();
		m = (of_g -> G : memcg)
	};
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
			m = (of_g -> G : memcg);
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
	stock_locals;

	drain();
	done++
}

/* The removal of X, as the cgroup core and life.rs do it. */
proctype Core()
{
	stock_locals;

	/* kill_css_sync() to css_killed_work_fn() */
	atomic { dying = true; begin_gp(0) };
	end_gp(0);
	/* life::offline() */
	memcg = G;
	busy++;
	/* stocked.rs, forget() */
#ifndef NO_FORGET
	do
	:: cpu < CPUS ->
		ok = noted[cpu] == X;
		if
		:: ok ->
#ifndef FORGET_PLAIN
			d_step { noted[cpu] = (noted[cpu] == X -> NONE : noted[cpu]) }
#else
			noted[cpu] = NONE
#endif
		:: else
		fi;
		cpu++
	:: else -> break
	od;
	atomic { cpu = 0; ok = false };
#endif
	/* stock.rs, drain_last() */
#ifndef NO_OFFLINE_DRAIN
	do
	:: cpu < CPUS -> take_back(X); cpu++
#ifdef LAST_ONLINE
		; break
#endif
	:: else -> break
	od;
	cpu = 0;
#endif
	/* Nobody has put anything into the stocks since, nor noted it. */
	atomic {
		assert(is_empty(X));
		assert(is_forgotten(X));
		busy--;
		assert(busy > 0 || all_found());
		css[X]--
	};
	/* css_release_work_fn(), css_free_rwork_fn() */
	atomic { css[X] == 0 -> visible = false };
	begin_gp(1);
	end_gp(1);
	/* life::free() */
	atomic {
		freed = true;
		assert(is_empty(X) && is_forgotten(X))
	};
	done++
}

init {
	byte me = DRAINER + 1;
	stock_locals;

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

	assert(busy == 0 && all_found());
	drain();
	assert(is_empty(G) && is_empty(X));
	assert(usage[G] == used)
}
