/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The owner handle: charging, finding and locking lists, freeing, and looking at
 * a folio that is not ours, against the removal of a container and its parent.
 *
 * Containers G <- P <- C: G stays, C is removed, and P too with REMOVE_P. Each has
 * one handle, numbered as it is, which stands for that of one node. USERS tasks
 * in C have one folio each. If it is one only, somebody else looks at its folio; or,
 * with HANDOVER, reclaim hands it over to P or G.
 *
 * A step is one access to what others see. An atomic sequence is one atomic
 * operation of the code, or more where that takes nothing away: a check, what is
 * under a lock that is modelled, to enter RCU with the first access and to leave
 * it with the last.
 *
 * What must hold is said by assert(), and at the end of init. #ifndef names what a
 * broken variant leaves out; see the file "runs".
 */
#define G	0
#define P	1
#define C	2
#define NONE	3
#define UP(x)	((x) - 1)

#ifndef USERS
#define USERS	2
#endif
#define LOOKER	USERS

/* Containers: struct mem_cgroup, and struct mem_cgroup_per_node. */
byte css[3];		/* references */
bool dying[3], offline[3], freed[3];
byte owner[3];		/* objcg */
bool locked[3];		/* lruvec.lru_lock */
bool busy[3];		/* somebody is in the middle of changing the lists */
byte usage[3];
byte where = C;		/* the container of the tasks */

/* Handles: struct obj_cgroup. */
byte ref[3];
byte memcg[4];
byte on[3] = NONE;	/* whose objcg_list */
bool killed[3], released[3], hfreed[3];
bool hlocked;		/* memctl_objcg_lock */
bool hbusy;		/* somebody is in the middle of the lists of handles */

/* Folios. */
byte word[USERS] = NONE;	/* memcg_data */
byte list[USERS] = NONE;	/* whose LRU list */

/* The lock of folio 0, and who has a reference on it for a while, or none may. */
bool flocked;
byte pins;
bool frozen;

byte done;

/*
 * RCU: a grace period is over when all have left who were inside at its start.
 * There is one each for: to go offline, to be freed, to have the references of a
 * handle counted in one place (percpu_ref_kill()), to be freed as a handle.
 */
byte inside;
byte gp[12];
#define GP_DYING(x)	(x)
#define GP_FREE(x)	(3 + (x))
#define GP_KILL(h)	(6 + (h))
#define GP_HANDLE(h)	(9 + (h))

#define begin_gp(g)	gp[g] = inside
#define end_gp(g)	gp[g] == 0

#define rcu_read_lock()	inside = inside | (1 << me)
inline rcu_read_unlock()
{
	d_step {
		inside = inside & ~(1 << me);
		for (k : 0 .. 11) {
			gp[k] = gp[k] & ~(1 << me)
		}
		k = 0
	}
}

#define lives(x)	(!freed[x])
#define hlives(h)	(!hfreed[h])

/* ResCounter: all levels at once. stock.pml has them apart. */
inline charge(x)
{
	d_step {
		assert(lives(x));
		for (k : G .. x) {
			usage[k]++
		}
		k = 0
	}
}

inline uncharge(x)
{
	d_step {
		assert(lives(x));
		for (k : G .. x) {
			assert(usage[k] > 0);
			usage[k]--
		}
		k = 0
	}
}

/* css_tryget(), css_put() */
inline css_tryget(x, got)
{
	d_step {
		assert(lives(x));
#ifndef CSS_GET
		got = css[x] > 0;
#else
		got = true;
#endif
		css[x] = css[x] + got
	}
}

inline css_put(x)
{
	assert(lives(x) && css[x] > 0);
	css[x]--
}

/* obj_cgroup_put(), and objcg.rs, release() */
inline put(h)
{
	atomic {
		assert(hlives(h) && ref[h] > 0);
		ref[h]--;
		if
		:: ref[h] == 0 -> assert(!released[h]); released[h] = true; k = 1
		:: else
		fi
	};
	if
	:: k == 1 ->
		k = 0;
		atomic {
#ifndef NO_HANDLE_LOCK
			!hlocked ->
#endif
			assert(!hbusy && hlives(h));
			on[h] = NONE;
#ifndef HANDLE_NO_GP
			begin_gp(GP_HANDLE(h));
			killed[h] = false
#else
			hfreed[h] = true
#endif
		}
	:: else
	fi
}

/* ObjCgroup::memcg() */
inline memcg_of(h, x)
{
	assert(hlives(h));
	x = memcg[h];
	assert(lives(x))
}

inline lock(x)
{
	!locked[x];
	assert(lives(x));
	locked[x] = true
}

inline unlock(x)
{
	assert(lives(x) && locked[x]);
	locked[x] = false
}

/* The lists of x are locked: all that is on them names x. */
inline begin_change(x)
{
	assert(lives(x) && !busy[x]);
	busy[x] = true;
	d_step {
		k = 0;
		do
		:: k < USERS ->
			assert(list[k] != x || memcg[word[k]] == x);
			k++
		:: else -> break
		od;
		k = 0
	}
}

/* lru.rs, lock_for() and of(). Afterwards the lists may be changed. */
inline lock_for(h, x)
{
	do
	:: atomic {
#ifndef LOCK_NO_RCU
		rcu_read_lock();
#endif
		memcg_of(h, x)
	   };
	   atomic { lock(x) };
	   atomic {
		assert(hlives(h));
		if
#ifndef NO_RECHECK
		:: memcg[h] != x -> unlock(x)
		:: else -> begin_change(x); break
#else
		:: begin_change(x); break
#endif
		fi
	   }
	od
}

inline unlock_for(x)
{
	busy[x] = false;
	unlock(x);
	rcu_read_unlock()
}

/* A task and its folio, which has the number of the task. */
proctype User(byte me)
{
	byte h, m, k, held = NONE;
	bool got;

	if
	:: skip		/* of_mm() */
	:: /* set_active_memcg() of a container that may be removed by the time */
	   atomic {
		where == C -> css_tryget(C, got);
		held = (got -> C : NONE)
	   }
	fi;
	/* charge.rs, charge_folio(), and owner_of() */
	atomic { rcu_read_lock(); m = (held == NONE -> where : held) };
	do
	:: atomic { assert(lives(m)); h = owner[m] };
	   if
	   :: h == NONE
	   :: else ->
		/* ObjCgroup::try_get() */
		atomic {
			assert(hlives(h) && !released[h]);
			got = ref[h] > 0;
			ref[h] = ref[h] + got
		};
		if
		:: got -> break
		:: else
		fi
	   fi;
	   m = UP(m)
	od;
	atomic { memcg_of(h, m) };
	if
	:: /* stock::consume(): had been charged before */
	   atomic { charge(m); rcu_read_unlock() }
	:: /* held_memcg(), try_charge() */
	   do
	   :: css_tryget(m, got);
	      if
	      :: got -> break
	      :: else
	      fi;
	      atomic { memcg_of(h, m) }
	   od;
	   atomic { rcu_read_unlock() };
	   atomic { charge(m); css_put(m) }
	fi;
	/* MetaPage::bind() */
	atomic {
		word[me] = h;
		if
		:: held != NONE -> css_put(held); held = NONE
		:: else
		fi
	};

	/* folio_batch_move_lru(), for lru_add() */
	lock_for(h, m);
	atomic {
		assert(memcg[h] == m);
		list[me] = m;
		unlock_for(m)
	};

	if
	:: skip		/* it stays */
	:: /* hooks/find.rs, get_mem_cgroup_from_folio(), and get_found() */
	   atomic {
		!(me == 0 && frozen) ->
		pins = pins + (me == 0);
		h = word[me];
		rcu_read_lock();
		memcg_of(h, m)
	   };
	   do
	   :: css_tryget(m, got);
	      if
	      :: got -> break
	      :: else
	      fi;
	      atomic { memcg_of(h, m) }
	   od;
	   atomic { rcu_read_unlock() };
	   atomic {
		css_put(m);
		/* A reference keeps it bound as it is. */
		assert(word[me] == h);
		pins = pins - (me == 0)
	   }
	:: /* truncate_inode_folio(), then __page_cache_release() */
	   atomic {
		!(me == 0 && flocked) ->
		flocked = flocked || me == 0;
		h = word[me]
	   };
	   lock_for(h, m);
	   atomic {
		assert(memcg[h] == m && list[me] == m);
		list[me] = NONE;
		unlock_for(m)
	   };

	   /* uncharge.rs, Uncharge::add() and flush() */
	   word[me] = NONE;
	   atomic { rcu_read_lock(); memcg_of(h, m) };
	   atomic { uncharge(m); rcu_read_unlock() };
	   put(h)
	fi;
	done++
}

/* Somebody without a folio. */
proctype Looker()
{
	byte me = LOOKER;
	byte h, m, k;
	bool got;

	if
	:: /* hooks/find.rs, page_cgroup_ino(), of a folio that may go away */
	   atomic { rcu_read_lock(); h = word[0] };
	   if
	   :: h != NONE ->
		atomic { memcg_of(h, m) };
		do
		:: atomic { assert(lives(m)); got = offline[m] };
		   if
		   :: got -> m = UP(m)
		   :: else -> break
		   fi
		od
	   :: else
	   fi;
	   atomic { rcu_read_unlock() }
	:: /* reclaim: iter::next(), then shrink_lruvec() */
	   atomic { rcu_read_lock(); m = where };
	   css_tryget(m, got);
	   atomic { rcu_read_unlock() };
	   if
	   :: got ->
		/* folio_matches_lruvec() of any folio: what matches does so to the end */
		atomic {
			lock(m);
			begin_change(m);
			h = word[0];
			got = h != NONE && memcg[h] == m
		};
		atomic {
			assert(!got || word[0] == NONE || memcg[word[0]] == m);
			busy[m] = false;
			begin_change(m);
			busy[m] = false;
			unlock(m);
			css_put(m)
		}
	   :: else
	   fi
	fi;
	done++
}

/* Reclaim for C, which comes to folio 0. */
proctype Reclaimer()
{
	byte me = LOOKER;
	byte h, m, k, taker, n;
	bool got;

	/* shrink_inactive_list(), shrink_folio_list() */
	atomic {
		if
#ifndef NO_FOLIO_LOCK
		:: !flocked && list[0] != NONE -> flocked = true; h = word[0]
#else
		:: word[0] != NONE && list[0] != NONE -> h = word[0]
#endif
		:: skip -> goto out
		fi
	};
	lock_for(h, m);
	atomic {
		assert(memcg[h] == m && list[0] == m);
		list[0] = NONE;
		unlock_for(m)
	};

	/* handover.rs, try_hand_over() */
	if
	:: taker = G
	:: taker = P
	fi;
	atomic {
		rcu_read_lock();
		h = word[0];
		memcg_of(h, m);
		got = !offline[taker] && m > taker
	};
	if
	:: got ->
		/* charge.rs, owner_of(): nobody but the taker itself */
		atomic { assert(lives(taker)); n = owner[taker]; got = n != NONE };
		if
		:: got ->
			atomic {
				assert(hlives(n) && !released[n]);
				got = ref[n] > 0 && !killed[n];
				ref[n] = ref[n] + got
			}
		:: else
		fi
	:: else
	fi;
	if
	:: got ->
		/* Nothing is charged to the taker: it is above both. frozen.rs */
		atomic {
#ifndef NO_FREEZE
			got = pins == 0;
			frozen = got
#else
			got = true
#endif
		};
		if
		:: got ->
			atomic { word[0] = n };
			atomic { frozen = false };
			/* counters.rs, uncharge_beside() */
			d_step {
				assert(lives(m));
#ifndef UNCHARGE_ALL
				for (k : taker + 1 .. m) {
#else
				for (k : G .. m) {
#endif
					assert(usage[k] > 0);
					usage[k]--
				}
				k = 0
			};
#ifndef KEEP_OLD
			put(h)
#endif
		:: else -> put(n)
		fi
	:: else
	fi;
	atomic { rcu_read_unlock(); h = word[0] };

	/* move_folios_to_lru() */
	lock_for(h, m);
	atomic {
		assert(memcg[h] == m);
		list[0] = m;
		unlock_for(m)
	};
	flocked = false;
out:
	done++
}

/* The removal of x, as the cgroup core and life.rs do it. */
proctype Core(byte x)
{
	byte h, k;

	/* cgroup_destroy_locked(): no tasks, and no children but dying ones */
	x == C || dying[C];
	where = UP(x);
	/* kill_css_sync() to css_killed_work_fn(): children go offline first */
	atomic { dying[x] = true; begin_gp(GP_DYING(x)) };
	end_gp(GP_DYING(x)) && (x == C || offline[C]);

	/* reparent.rs, on_node(); lists.rs, hand_over() */
	atomic { !hlocked -> hlocked = true };
#ifndef NO_LRU_LOCK
	atomic { lock(x) };
#ifndef NO_PARENT_LOCK
	atomic { lock(UP(x)) };
#endif
#endif
	/* lists.rs, hand_over() */
	atomic { begin_change(x); begin_change(UP(x)) };
	atomic {
		for (k : 0 .. USERS - 1) {
			if
			:: list[k] == x -> list[k] = UP(x)
			:: else
			fi
		}
		k = 0
	};
	/* Node::retire_owner() */
	owner[x] = NONE;
	/* objcg.rs, pass_on() */
	atomic { assert(!hbusy && hlives(x)); hbusy = true; on[x] = x };
	h = P;
	do
	:: h <= C ->
		atomic {
			if
			:: on[h] == x -> assert(hlives(h)); memcg[h] = UP(x)
			:: else
			fi;
			h++
		}
	:: else -> break
	od;
	atomic {
		for (h : P .. C) {
			if
			:: on[h] == x ->
#ifndef NO_INHERIT
				on[h] = UP(x)
#else
				on[h] = NONE
#endif
			:: else
			fi
		}
		h = 0;
		hbusy = false;
		busy[x] = false;
		busy[UP(x)] = false;
#ifndef NO_LRU_LOCK
#ifndef NO_PARENT_LOCK
		unlock(UP(x));
#endif
		unlock(x);
#endif
		hlocked = false
	};
	/* ObjCgroup::kill() */
	atomic { killed[x] = true; begin_gp(GP_KILL(x)) };

	/* css_killed_work_fn() to css_free_rwork_fn() */
	atomic { offline[x] = true; css_put(x) };
	atomic { css[x] == 0 -> begin_gp(GP_FREE(x)) };
#ifndef FREE_NO_GP
	end_gp(GP_FREE(x));
#endif
	/* life::free(), MemCgroup::free(), Node::free() */
	put(x);
	atomic {
		assert(!locked[x] && !busy[x]);
		freed[x] = true;
		css_put(UP(x))
	}
}

/* What percpu_ref_kill() and obj_cgroup_free_rcu() do later on. */
proctype Handle(byte h)
{
	byte k;

	killed[h] && end_gp(GP_KILL(h));
	put(h);
end:
	atomic { released[h] && !killed[h] && end_gp(GP_HANDLE(h)) -> hfreed[h] = true }
}

init {
	byte f, bound[3];

	atomic {
		/* One reference is its own. The other is of a child; of orig_objcg. */
		css[G] = 2; css[P] = 2; css[C] = 1;
		for (f : G .. C) {
			owner[f] = f;
			memcg[f] = f;
			ref[f] = 2
		}
		for (f : 0 .. USERS - 1) {
			run User(f)
		}
#ifdef HANDOVER
		run Reclaimer();
#elif USERS == 1
		run Looker();
#endif
		run Handle(C);
		run Core(C);
#ifdef REMOVE_P
		run Handle(P);
		run Core(P);
#endif
	}

	/* Nobody can do anything any more. */
	timeout;
	atomic {
		assert(done == (USERS == 1 -> 2 : USERS) && inside == 0);
		for (f : 0 .. USERS - 1) {
			if
			:: word[f] != NONE ->
				assert(list[f] == memcg[word[f]]);
				bound[word[f]]++
			:: else -> assert(list[f] == NONE)
			fi
		}
		assert(usage[G] == bound[G] + bound[P] + bound[C]);
		/* A removed container is gone, whatever folios it has left; its handle
		 * goes with the last of them. */
		assert(freed[C] && hfreed[C] == (bound[C] == 0));
#ifndef REMOVE_P
		assert(usage[P] == bound[P] + bound[C])
#else
		assert(freed[P] && hfreed[P] == (bound[P] == 0))
#endif
	}
}
