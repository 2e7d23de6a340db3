/*
 * The bell of Rowbell as a model: no committed row waits while somebody could run it and all are still.
 *
 *   make model                                               the protocol, in larger bounds
 *   spin -DINSERTERS=1 -search -E docs/bell/bell.pml        the protocol: errors: 0
 *   spin -DNO_GATE -search -E docs/bell/bell.pml             a wrong variant: errors: 1
 *   spin -DNO_GATE -t -p docs/bell/bell.pml                  the steps that lead there
 *
 * Who inserts takes a share of the gate until its transaction ends, and then looks whether the attendant
 * says that it is awake; if not, it rings. The attendant gives up its lock, passes the gate, looks once
 * more, and sleeps. Each worker is two tasks of one event loop, a dispatcher and a listener, which share
 * one session; each statement of theirs is one step, and so is what they do between two.
 *
 * Modelled as PostgreSQL does it:
 * - a look sees what was committed when it began, and skips what others have claimed since;
 * - a commit makes rows visible, then frees locks, then delivers notifications: three steps;
 * - ROLLBACK TO SAVEPOINT frees the locks, and drops the notifications, of what it takes back;
 * - a notification reaches whoever listened at the commit some time later;
 * - a lock that somebody waits for refuses new shares;
 * - the end of a session, however it comes, frees what the session held.
 *
 * Wrong variants, each of which must be caught:
 *   NO_GATE              the attendant gives up its lock, looks, and sleeps
 *   GATE_BEFORE_UNLOCK   it passes the gate, looks, and gives up its lock then
 *   CHAIR_WITHOUT_GATE   who takes the chair looks, but does not pass the gate
 *   AWAKE_BEFORE_GATE    the trigger looks whether somebody is awake before it takes its share
 *   SHARE_ENDS_EARLY     the trigger gives its share back before the commit
 *   CLEAR_AFTER_LOOK     the wake flag is cleared after a look, not before
 *   LISTEN_AFTER_LOOK    who takes the chair looks, passes the gate, and listens then
 *   KEEP_CHAIR           who is full stays on duty
 *   BLIND_AT_GATE        while a long transaction keeps the gate, it waits and looks at nothing
 *   CHAIR_BEFORE_LOCK    who leaves the chair says still, for a moment, that it is awake
 *   DUTY_IN_PIECES       the listener leaves the chair while the dispatcher hands it on or stays awake
 * What stays for the sweep:
 *   CLAIM_IS_LOST        a session ends within its claim, whose rows another look has skipped
 * And that the proof is not empty: that these states are reached
 *   NEVER_ASLEEP         all sleep, all is done
 *   NEVER_SILENT         a row is committed and nobody was rung
 */

#ifndef INSERTERS
#define INSERTERS 2
#endif
#ifndef MISFORTUNES
#define MISFORTUNES 0          /* 1: a worker may die */
#endif
#ifndef VIGILS
#define VIGILS 1               /* how often the dispatcher of the first worker stays awake */
#endif
#ifndef WORKERS
#define WORKERS 1
#endif
#define NOBODY 7

mtype = { going, still, busy };

#ifdef BACKLOG
byte waiting = 64;             /* rows that are committed and unclaimed: a bit each */
#else
byte waiting = 0;
#endif
byte sharers = 0;              /* transactions that hold a share of the gate */
byte awake = NOBODY;           /* who says that it is awake */
byte chair = NOBODY;           /* who is on duty */
byte delivering = 0;           /* commits between visible and delivered */

mtype dispatching[2] = going;
mtype listening[2] = still;
bool listens[2];
bool wake[2];                  /* the flag of the dispatcher */
bool turn[2];                  /* a statement of the session is under way */
bool at_gate[2];               /* the session waits for the gate: new shares are refused */
bool queued[2];                /* the session waits for the chair */
byte lost[2];                  /* rows of a claim that is not committed yet */
bool is_on[2];                 /* what the process believes: it has the chair */
bool is_wanted[2] = true;      /* it has a free slot, or will soon */
bool keeps[2];                 /* what the dispatcher believes: it said that it is awake */
bool gate_is_due[2];           /* somebody waits for the gate to be passed */
bool is_dead[2];
byte ended = 0;                /* transactions */

/* ---- an application: BEGIN, INSERT, SAVEPOINT, INSERT, ROLLBACK TO or RELEASE, COMMIT or not */

inline take_share(share) {
  atomic {
    if
    :: outer_share || inner_share || !at_gate[0] && !at_gate[1] ->
      sharers = sharers + (!outer_share && !inner_share -> 1 : 0);
      share = true; got = true
    :: else -> got = false
    fi
  }
}

/* rowbell.ring: `share` and `note` are of this level of the transaction. */
inline ring(share, note) {
#ifdef AWAKE_BEFORE_GATE
  seen = awake;
  take_share(share);
  atomic { note = note || !got || seen == NOBODY; got = false; seen = NOBODY }
#else
  take_share(share);
  atomic { note = note || !got || awake == NOBODY; got = false };
#endif
#ifdef SHARE_ENDS_EARLY
  free_shares()
#endif
}

inline free_shares() {
  atomic {
    sharers = sharers - (outer_share || inner_share -> 1 : 0);
    outer_share = false; inner_share = false
  }
}

proctype inserter(byte row) {
  bool outer_share = false, inner_share = false, outer_note = false, inner_note = false, got = false;
  byte rows = 0, told = 0, seen = NOBODY;

  if
  :: rows = 1 << row; ring(outer_share, outer_note)
  :: skip
  fi;
  if
#ifndef WITHOUT_SAVEPOINTS
  :: ring(inner_share, inner_note);                       /* SAVEPOINT; INSERT */
    if
    :: atomic {                                           /* ROLLBACK TO SAVEPOINT */
        sharers = sharers - (inner_share && !outer_share -> 1 : 0);
        inner_share = false; inner_note = false
      }
    :: rows = rows | (1 << (row + 1))                     /* RELEASE, or just on */
    fi
#endif
  :: skip
  fi;
  if
  :: free_shares(); atomic { rows = 0; outer_note = false; inner_note = false }   /* ROLLBACK, or the end */
  :: atomic {                                             /* COMMIT: visible */
      waiting = waiting | rows;
      delivering++;
#ifdef NEVER_SILENT
      assert(!rows || outer_note || inner_note);
#endif
      told = (outer_note || inner_note -> listens[0] + 2 * listens[1] : 0);
      rows = 0; outer_note = false; inner_note = false
    };
    free_shares();                                        /* locks are freed */
    atomic {                                              /* notifications are sent */
      wake[0] = wake[0] || ((told & 1) && listens[0]);
      wake[1] = wake[1] || ((told & 2) && listens[1]);
      told = 0; delivering--
    }
  fi;
  ended++
}

/* ---- a worker */

#define MINE(lock) (lock == me -> NOBODY : lock)

/* The session does one statement at a time. What a process believes of the chair when it asks must
   be so still when its statement begins: a decision is made, and asked for, in one piece. */
#ifdef DUTY_IN_PIECES
#define ASK_IF(belief) belief; atomic { !turn[me]
#else
#define ASK_IF(belief) atomic { (belief) && !turn[me]
#endif

/* Whoever waits for the chair gets it. */
#define free_chair() if :: chair == me -> chair = (queued[1 - me] -> 1 - me : NOBODY) :: else fi

/* One claim of one slot, by another connection. */
inline look() {
  seen = waiting;                                         /* its snapshot */
  atomic {
    seen = seen & waiting;                                /* SKIP LOCKED */
    held = seen & -seen; seen = 0;
    waiting = waiting & ~held;
#ifdef CLAIM_IS_LOST
    lost[me] = held
  };
  atomic {
    lost[me] = 0;
#endif
    slots = (held -> 0 : 1); held = 0                     /* the claim is committed */
  }
}

/* The gate is passed, or the patience is over, and another try is due. */
inline pass_gate(session_is_free) {
  if
  :: atomic { session_is_free && sharers == 0 -> turn[me] = false; gate_is_due[me] = false; wake[me] = true }
  :: atomic { session_is_free && sharers > 0 -> turn[me] = true; at_gate[me] = true };
    atomic {
      turn[me] = false; at_gate[me] = false;
      gate_is_due[me] = sharers > 0;
#ifdef BLIND_AT_GATE
      wake[me] = wake[me] || sharers == 0
#else
      wake[me] = true
#endif
    }
  fi
}

inline stay_awake() {
  if
  :: vigils ->
    if
    :: ASK_IF(!keeps[me] && is_on[me]) -> vigils--;
        awake = (awake == NOBODY -> me : awake);
        keeps[me] = (awake == me)
      }
    :: true
    fi
  :: else
  fi
}

inline stand_down() {
#ifdef GATE_BEFORE_UNLOCK
  pass_gate(!turn[me]);
  look();
#endif
  atomic { !turn[me] -> keeps[me] = false; awake = MINE(awake); turn[me] = true };
#ifdef NO_GATE
  atomic { turn[me] = false; wake[me] = true }
#elif defined(GATE_BEFORE_UNLOCK)
  turn[me] = false
#else
  pass_gate(true)
#endif
}

/* rowbell.hand_on_chair: if nobody waits for it, all stays as it was. */
inline hand_on() {
  if
  :: ASK_IF(is_on[me]) -> turn[me] = true;
#ifndef CHAIR_BEFORE_LOCK
      was = (awake == me);
      awake = MINE(awake)
#endif
    };
    atomic { free_chair(); got = (chair == NOBODY); chair = (got -> me : chair) };
    atomic {
#ifdef CHAIR_BEFORE_LOCK
      awake = (got -> awake : MINE(awake));
#else
      awake = (got && was && awake == NOBODY -> me : awake);
#endif
      is_on[me] = got; got = false; was = false; turn[me] = false
    }
  :: !is_on[me]
  fi
}

/* Every slot is taken, for ever perhaps. */
inline wait_for_slot() {
  dispatching[me] = busy;
  do
#ifndef FULL_FOR_EVER
  :: atomic { slots = 1; is_wanted[me] = true; dispatching[me] = going; break }
#endif
#ifndef KEEP_CHAIR
  :: atomic { is_on[me] || is_wanted[me] -> is_wanted[me] = false }; hand_on(); stay_awake()
#endif
  od
}

proctype dispatcher(byte me) {
  byte slots = 1, seen = 0, held = 0, vigils = (me == 0 -> VIGILS : 0);
  bool got = false, was = false;
  {
    do
    ::
#ifndef CLEAR_AFTER_LOOK
      wake[me] = false;
#endif
      do
      :: look();
        if
        :: slots == 0 -> wait_for_slot()
        :: else -> break
        fi
      od;
#ifdef CLEAR_AFTER_LOOK
      wake[me] = false;
#endif
      stay_awake();
      if
      :: keeps[me] && is_on[me]                                       /* look again */
      :: keeps[me] && is_on[me] -> stand_down()
      :: atomic { !(keeps[me] && is_on[me]) -> dispatching[me] = still };
        atomic { wake[me] -> dispatching[me] = going }
      fi
    od
  } unless { is_dead[me] }
}

proctype listener(byte me) {
  {
    do
    :: gate_is_due[me] -> pass_gate(!turn[me])                        /* another try */
    :: atomic { listens[me] && !is_on[me] && !turn[me] -> listens[me] = false }
#ifndef KEEP_CHAIR
    :: atomic { is_on[me] && !is_wanted[me] && !turn[me] ->           /* leave the chair */
        turn[me] = true; is_on[me] = false; listening[me] = going
      };
#ifdef CHAIR_BEFORE_LOCK
      atomic { free_chair() };
#endif
      awake = MINE(awake);
      atomic { free_chair(); turn[me] = false; listening[me] = still }
    :: atomic { queued[me] && !is_wanted[me] && chair != me -> queued[me] = false }
#endif
    :: atomic { !is_on[me] && is_wanted[me] && !queued[me] && chair != me -> queued[me] = true }
    :: atomic { !is_on[me] && (chair == me || queued[me] && chair == NOBODY) ->      /* take the chair */
        chair = me; queued[me] = false; is_on[me] = true; listening[me] = going
      };
#ifdef LISTEN_AFTER_LOOK
      pass_gate(!turn[me]);
      (dispatching[me] == still && !wake[me]) || dispatching[me] == busy;
      listens[me] = true;
#else
      atomic { !turn[me] -> listens[me] = is_on[me] };
#ifdef CHAIR_WITHOUT_GATE
      wake[me] = true;
#else
      pass_gate(!turn[me]);
#endif
#endif
      listening[me] = still
    od
  } unless { is_dead[me] }
}

/* A worker dies, the server frees what its session held, and another one has its place, sooner or later. */
proctype misfortune() {
  byte me = 0;
#if WORKERS > 1
  if :: me = 0 :: me = 1 fi;
#endif
  if
  :: is_dead[me] = true;
    atomic {
      awake = MINE(awake); queued[me] = false; at_gate[me] = false; free_chair();
      listens[me] = false; waiting = waiting | lost[me]; lost[me] = 0
    };
#if WORKERS == 1
    atomic { run dispatcher(1); run listener(1) }
#endif
  :: skip
  fi
}

#ifdef KEEP_CHAIR
#define FULL(d) (dispatching[d] == busy)
#else
#define FULL(d) (dispatching[d] == busy && !is_wanted[d] && !is_on[d])
#endif
#ifdef BLIND_AT_GATE
#define NO_MORE_TRIES(d) (!gate_is_due[d] || sharers > 0)
#else
#define NO_MORE_TRIES(d) !gate_is_due[d]
#endif
#define HAS_OR_AWAITS_CHAIR(d) (is_on[d] && listening[d] == still && NO_MORE_TRIES(d) || \
  !is_on[d] && queued[d] && chair == 1 - d)
#define STILL(d) (is_dead[d] || \
  FULL(d) && chair != d || FULL(d) && is_on[d] || \
  dispatching[d] == still && !wake[d] && HAS_OR_AWAITS_CHAIR(d))
#if WORKERS == 1
#define STILL_1 (!is_dead[0] || STILL(1))
#define COULD_RUN_1 (is_dead[0] && COULD_RUN(1))
#else
#define STILL_1 STILL(1)
#define COULD_RUN_1 COULD_RUN(1)
#endif
#define COULD_RUN(d) (!is_dead[d] && dispatching[d] != busy)
#define ALL_STILL (delivering == 0 && STILL(0) && STILL_1 && (!is_dead[chair & 1] || chair == NOBODY))

/* A transaction that is open, for however long, is no excuse: only a delivery under way is. */
proctype judge() {
#ifdef NEVER_ASLEEP
  atomic { ALL_STILL && dispatching[0] == still && ended == INSERTERS -> assert(false) }
#else
  atomic { ALL_STILL && waiting && (COULD_RUN(0) || COULD_RUN_1) -> assert(false) }
#endif
}

init {
  atomic {
    run judge();
    run dispatcher(0); run listener(0);
#if WORKERS > 1
    run dispatcher(1); run listener(1);
#endif
    run inserter(0);
#if INSERTERS > 1
    run inserter(2);
#endif
#if INSERTERS > 2
    run inserter(4);
#endif
#if MISFORTUNES > 0
    run misfortune();
#endif
  }
}
