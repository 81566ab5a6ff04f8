/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who pays for folios that reclaim hands over: the room that there must be, at which
 * levels it is charged, and that containers at their limits get on.
 *
 * Containers G <- P <- A and B, and G <- C; G has no limit. TASKS tasks each, in A and
 * OTHER, charge ROUNDS pages of their own; where there is no room they reclaim. FOLIOS
 * folios are shared, and of A at first: processes in A and OTHER may use them at any time.
 * owner.pml has their binding, and stock.pml the counters.
 *
 * A step is one access to what others see, or more where that takes nothing away. A
 * folio that reclaim has locked is used by nobody until it is unlocked: it is unmapped,
 * and to map it its lock is taken.
 *
 * What must hold is said by assert(), and at the end of init. #ifndef names what a
 * broken variant leaves out; see the file "runs".
 */
#define G	0
#define P	1
#define A	2
#define B	3
#define C	4
#define NONE	5
#define BELOW(x, y)	((x) == (y) || up[x] == (y))

#ifndef FOLIOS
#define FOLIOS	2
#endif
#ifndef TASKS
#define TASKS	1
#endif
#ifndef ROUNDS
#define ROUNDS	1
#endif
#ifndef OTHER
#define OTHER	B
#endif
/* Of A, B and C; P has one of its own. */
#ifndef LIMIT
#define LIMIT	(TASKS + 1)
#endif
#ifndef LIMIT_P
#define LIMIT_P	(2 * LIMIT)
#endif
/* handover.rs: what one reclaim makes. */
#ifndef NO_SPARE
#define SPARE	1
#else
#define SPARE	0
#endif

/* The accessed bits of the mappings outside of what is reclaimed. */
#ifndef ANYBODY
#define HAS_USED(f, x)	(used[f] & (1 << (x)))
#else
#define HAS_USED(f, x)	true
#endif

#define HAS_ROOM(x, nr)	(usage[x] + (nr) + SPARE <= limit[x])

byte up[5], usage[5], limit[5];
byte own[5];			/* pages that are not shared */
byte owner[FOLIOS] = NONE;	/* of a folio; NONE: it was thrown out */
bool flocked[FOLIOS];
byte used[FOLIOS];		/* accessed bits: 1 << container */
byte since[FOLIOS];		/* who has really used it since the last look */

byte moves;			/* hand-overs, and nobody has charged a page meanwhile */
byte done;

/* The common ancestor of two: never charged, nor uncharged. */
#define COMMON(x, y)	(up[x] == up[y] -> up[x] : G)

/* ResCounter::try_charge_below(): x and those above it, but not upto. */
inline try_charge(x, upto, got)
{
	got = true;
	l = x;
	do
	:: l == upto || l == G -> break
	:: else ->
		atomic {
			if
#ifndef NO_LIMIT
			:: usage[l] + 1 > limit[l] -> got = false; lacking = l; break
#endif
			:: else -> usage[l]++; l = up[l]
			fi
		}
	od;
	/* What was charged below the level that has no room. */
	if
	:: !got ->
		n = x;
		do
		:: n == l -> break
		:: else -> atomic { usage[n]--; n = up[n] }
		od;
		n = 0
	:: else
	fi;
	assert(usage[P] <= limit[P] && usage[A] <= limit[A] && usage[B] <= limit[B] &&
		usage[C] <= limit[C]);
	l = 0
}

/* ResCounter::uncharge_below(): all levels at once. */
inline uncharge(x, upto)
{
	d_step {
		l = x;
		do
		:: l == upto || l == G -> break
		:: else -> assert(usage[l] > 0); usage[l]--; l = up[l]
		od;
		l = 0
	}
}

/* handover.rs, have_room(): x, outside of what is reclaimed, and those above it. */
inline have_room(x, from, nr, yes)
{
	yes = HAS_ROOM(x, nr);
	if
	:: yes && up[x] != G && COMMON(x, from) != up[x] -> yes = HAS_ROOM(up[x], nr)
	:: else
	fi
}

/* A task in x. */
proctype Task(byte x)
{
	byte l, n, f, lacking, taker, from, top, rounds;
	bool got;

	do
	:: rounds == ROUNDS -> break
	:: else ->
		if
#ifdef ENDS
		/* A process ends, and what it had is free. */
		:: atomic { own[x] -> n = own[x]; own[x] = 0; moves = 0 };
		   do
		   :: n == 0 -> break
		   :: else -> n--; uncharge(x, G)
		   od
#endif
		:: skip
		fi;
		try_charge(x, G, got);
		if
		:: got ->
			atomic { own[x]++; moves = 0; rounds++ };
			goto next
		:: else
		fi;
		/* Reclaim for what is full: shrink_folio_list(), with a folio that is there; */
		atomic {
			f = 0;
			do
			:: f < FOLIOS && (flocked[f] || owner[f] == NONE ||
					!BELOW(owner[f], lacking)) -> f++
			:: else -> break
			od;
			if
			:: f < FOLIOS ->
				flocked[f] = true;
				/* folio_taker(): who is outside, and has used it */
				from = owner[f];
				taker = NONE;
				for (n : A .. C) {
					if
					:: taker == NONE && !BELOW(n, lacking) && HAS_USED(f, n) ->
						have_room(n, from, 1, got);
						taker = (got -> n : NONE);
						/* Only what it has used itself becomes its charge. */
						assert(!got || (since[f] & (1 << n)))
					:: else
					fi
				}
				n = 0;
				since[f] = 0;
#ifndef KEEP_BITS
				used[f] = 0;
#endif
			:: else
			fi
		};
		if
		:: f == FOLIOS ->
			/* or with what is not shared. */
			atomic {
				from = (lacking == P -> (own[A] -> A : B) : lacking);
				if
				:: own[from] -> own[from]--; moves = 0
				/* Nothing is left: all are at work on it. */
				:: else -> from = NONE
				fi
			};
			if
			:: from != NONE -> uncharge(from, G)
			:: else
			fi;
			goto next
		:: else
		fi;
		/* hand_over(), which asks once more */
		if
		:: taker != NONE ->
			atomic {
				have_room(taker, from, 1, got);
#ifndef CHARGE_SELF
				top = COMMON(taker, from)
#else
				top = up[taker]
#endif
			};
			if
			:: got ->
#ifndef CHARGE_COMMON
				try_charge(taker, top, got);
#else
				try_charge(taker, G, got);
#endif
#ifndef NO_RECHECK
				/* Others may have seen the same room. */
				if
				:: got ->
					atomic { have_room(taker, from, 0, got) };
					if
					:: !got -> uncharge(taker, top)
					:: else
					fi
				:: else
				fi;
#endif
				if
				:: got ->
					if
					:: /* frozen.rs: somebody has a reference on it */
#ifndef KEEP_CHARGE
					   uncharge(taker, top);
#endif
					   taker = NONE
					:: atomic { owner[f] = taker; moves++ };
					   uncharge(from, top)
					fi
				:: else -> taker = NONE
				fi
			:: else -> taker = NONE
			fi
		:: else
		fi;
		/* Who does not get it loses it. */
		if
		:: taker == NONE ->
			atomic { owner[f] = NONE; moves = 0 };
			uncharge(from, G)
		:: else
		fi;
		flocked[f] = false;
next:
		/* Whatever others do: this much is enough to find room for a page. */
		assert(moves <= 2 * FOLIOS);
		atomic { f = 0; lacking = 0; taker = 0; from = 0; top = 0; got = false }
	od;
	done++
}

/* Processes in A and OTHER use what is there, whenever they like. */
proctype Users()
{
	byte f, x;

end:
	do
	:: atomic {
		select(f : 0 .. FOLIOS - 1);
		if
		:: x = A
		:: x = OTHER
		fi;
		if
		:: !flocked[f] && owner[f] != NONE ->
			used[f] = used[f] | (1 << x);
			since[f] = since[f] | (1 << x)
		:: else
		fi;
		f = 0;
		x = 0
	   }
	od
}

init {
	byte f, below[5];

	atomic {
		up[A] = P;
		up[B] = P;
		limit[P] = LIMIT_P;
#ifndef ROOMY
		limit[A] = LIMIT;
#else
		limit[A] = 255;
#endif
		limit[B] = LIMIT;
		limit[C] = LIMIT;
		for (f : 0 .. FOLIOS - 1) {
			owner[f] = A;
			usage[A]++
		}
		/* All are full. */
		for (f : 1 .. LIMIT - FOLIOS) {
			own[A]++;
			usage[A]++
		}
		own[OTHER] = LIMIT;
		usage[OTHER] = LIMIT;
		usage[P] = usage[A] + usage[B];
		for (f : 1 .. TASKS) {
			run Task(A);
			run Task(OTHER)
		}
		run Users()
	}

	done == 2 * TASKS;
	atomic {
		for (f : 0 .. FOLIOS - 1) {
			if
			:: owner[f] != NONE -> below[owner[f]]++
			:: else
			fi
		}
		assert(usage[A] == own[A] + below[A]);
		assert(usage[B] == own[B] + below[B]);
		assert(usage[C] == own[C] + below[C]);
		assert(usage[P] == usage[A] + usage[B])
	}
}
