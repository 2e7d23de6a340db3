/*
 * The bell of Rowbell as a model: no committed row waits while somebody could run it and all are still.
 *
 *   make model                                               the protocol, in larger bounds
 *   spin -search docs/bell/bell.pml                          the protocol: errors: 0
 *   spin -DNO_GATE -search docs/bell/bell.pml                a wrong variant: errors: 1
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
 *   CHAIR_BEFORE_LOCK    who leaves the chair says still, for a moment, that it is awake
 *   AWAKE_BEFORE_GATE    the trigger looks whether somebody is awake before it takes its share
 *   SHARE_ENDS_EARLY     the trigger gives its share back before the commit
 *   CLEAR_AFTER_LOOK     the wake flag is cleared after a look, not before
 *   LISTEN_AFTER_LOOK    who takes the chair looks, passes the gate, and listens then
 *   KEEP_CHAIR           who is full stays on duty
 *   BLIND_AT_GATE        while a long transaction keeps the gate, it waits and looks at nothing
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
byte at_gate = 0;              /* sessions that wait for the gate: new shares are refused */
byte awake = NOBODY;           /* who says that it is awake */
byte chair = NOBODY;           /* who is on duty */
byte delivering = 0;           /* commits between visible and delivered */

mtype dispatching[2] = going;
mtype listening[2] = still;
bool listens[2];
bool wake[2];                  /* the flag of the dispatcher */
bool turn[2];                  /* a statement of the session is under way */
bool deciding[2];              /* a decision about the chair is under way */
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
    :: outer_share || inner_share || at_gate == 0 ->
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

/* What a process decides about the chair it does in one piece, whatever else it has to do meanwhile. */
#ifdef DUTY_IN_PIECES
#define BEGIN_DUTY true
#define END_DUTY skip
#define BEGIN_STATEMENT atomic { !turn[me] -> turn[me] = true }
#define END_STATEMENT turn[me] = false
#else
#define BEGIN_DUTY !turn[me] -> turn[me] = true
#define END_DUTY turn[me] = false
#define BEGIN_STATEMENT skip
#define END_STATEMENT skip
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
inline pass_gate() {
  BEGIN_STATEMENT;
  if
  :: atomic { sharers == 0 -> gate_is_due[me] = false; wake[me] = true; END_STATEMENT }
  :: atomic { sharers > 0 -> at_gate++ };
    atomic {
      at_gate--;
      gate_is_due[me] = sharers > 0;
#ifdef BLIND_AT_GATE
      wake[me] = wake[me] || sharers == 0;
#else
      wake[me] = true;
#endif
      END_STATEMENT
    }
  fi
}

inline stay_awake() {
  if
  :: !keeps[me] && is_on[me] && vigils ->
    atomic { BEGIN_DUTY; vigils-- };
    if
    :: is_on[me] ->
      BEGIN_STATEMENT;
      awake = (awake == NOBODY -> me : awake);
      atomic { keeps[me] = (awake == me); END_STATEMENT; END_DUTY }
    :: else -> END_DUTY
    fi
  :: true
  fi
}

inline stand_down() {
  atomic { BEGIN_DUTY; keeps[me] = false };
#ifndef GATE_BEFORE_UNLOCK
  BEGIN_STATEMENT;
  atomic { awake = MINE(awake); END_STATEMENT };
#endif
#ifndef NO_GATE
  pass_gate();
#endif
#ifdef GATE_BEFORE_UNLOCK
  look();
  BEGIN_STATEMENT;
  atomic { awake = MINE(awake); END_STATEMENT };
#endif
  END_DUTY
}

/* rowbell.hand_on_chair: if nobody waits for it, all stays as it was. */
inline hand_on() {
  atomic { BEGIN_DUTY };
  if
  :: is_on[me] ->
    BEGIN_STATEMENT;
#ifdef CHAIR_BEFORE_LOCK
    atomic { free_chair(); got = (chair == NOBODY); chair = (got -> me : chair) };
    awake = (got -> awake : MINE(awake));
#else
    atomic {
      was = (awake == me);
      awake = MINE(awake);
      free_chair();
      got = (chair == NOBODY);
      if :: got -> chair = me; awake = (was -> me : awake) :: else fi;
      was = false
    };
#endif
    atomic { is_on[me] = got; got = false; END_STATEMENT; END_DUTY }
  :: else -> END_DUTY
  fi
}

/* Every slot is taken, for ever perhaps. */
inline wait_for_slot() {
  dispatching[me] = busy;
  do
  :: atomic { slots = 1; is_wanted[me] = true; dispatching[me] = going; break }
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
    :: true;
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
      :: keeps[me] && is_on[me] -> if :: true :: stand_down() fi
      :: else ->
        dispatching[me] = still;
        atomic { wake[me] -> dispatching[me] = going }
      fi
    od
  } unless { is_dead[me] }
}

proctype listener(byte me) {
  {
    do
    :: atomic { gate_is_due[me] && is_on[me] -> BEGIN_DUTY; listening[me] = going };   /* another try */
      pass_gate();
      atomic { END_DUTY; listening[me] = still }
#ifndef KEEP_CHAIR
    :: is_on[me] && !is_wanted[me] ->                                                  /* leave the chair */
      atomic { BEGIN_DUTY; listening[me] = going; is_on[me] = false };
      BEGIN_STATEMENT;
#ifdef CHAIR_BEFORE_LOCK
      atomic { free_chair() };
#endif
      atomic { awake = MINE(awake); free_chair() };
      atomic { END_STATEMENT; END_DUTY; listening[me] = still }
    :: atomic { !is_on[me] && listens[me] -> listens[me] = false }
#endif
    :: atomic { !is_on[me] && is_wanted[me] && !listens[me] && !queued[me] && chair != me -> queued[me] = true }
    :: atomic {                                                                        /* take the chair */
        !is_on[me] && (chair == me || queued[me] && chair == NOBODY) -> BEGIN_DUTY;
        chair = me; queued[me] = false; listening[me] = going
      };
#ifndef LISTEN_AFTER_LOOK
      listens[me] = true;
#endif
      atomic { is_on[me] = true; wake[me] = true };
#ifndef CHAIR_WITHOUT_GATE
      pass_gate();
#endif
#ifdef LISTEN_AFTER_LOOK
      (dispatching[me] == still && !wake[me]) || dispatching[me] == busy;
      listens[me] = true;
#endif
      atomic { listening[me] = still; END_DUTY }
    od
  } unless { is_dead[me] }
}

/* A worker dies, and the server frees what its session held. (One whose session was cut begins anew.) */
proctype misfortune() {
  byte me = 0;
  if
  :: me = 0; goto death
  :: me = 1; goto death
  :: skip
  fi;
  goto luck;
death:
  is_dead[me] = true;
  atomic {
    awake = MINE(awake); queued[me] = false; free_chair();
    listens[me] = false; waiting = waiting | lost[me]; lost[me] = 0
  };
luck:
  skip
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
#define STILL_1 true
#define COULD_RUN_1 false
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
