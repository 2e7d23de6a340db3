/*
 * The bell of Rowbell as a model: no committed row waits while somebody could run it and all are still.
 *
 *   spin -search docs/bell/bell.pml                          the protocol: errors: 0
 *   spin -DLOOK_BEFORE_LOCK -search docs/bell/bell.pml       one of the wrong variants: errors: 1
 *   spin -DLOOK_BEFORE_LOCK -t -p docs/bell/bell.pml         the steps that lead there
 *
 * Modelled as PostgreSQL does it:
 * - a look sees what was committed when it began, and skips what others have claimed since;
 * - a commit makes rows visible, then frees locks, then delivers notifications: three steps;
 * - ROLLBACK TO SAVEPOINT frees the locks, and drops the notifications, of what it takes back;
 * - a notification reaches whoever listened at the commit some time later;
 * - the end of a session, however it comes, frees what the session held.
 *
 * Wrong variants, each of which must be caught:
 *   LOOK_BEFORE_LOCK     takes the bell lock after its look, and sleeps
 *   CLEAR_AFTER_LOOK     forgets, after its look, that it was rung
 *   SLEEP_WITHOUT_LOCK   sleeps although it did not get the bell lock
 *   LISTEN_AFTER_LOOK    listens only once it has looked
 *   SHARE_ENDS_EARLY     the trigger gives the share lock back before the commit
 *   KEEP_CHAIR           the one on duty keeps the chair although it is full
 *   WAIT_FOR_LOCK        waits for the bell lock for as long as that takes, and looks at nothing
 * What stays for the sweep:
 *   CLAIM_IS_LOST        a session ends within its claim, whose rows another look has skipped
 * And the proof that the proof is not empty:
 *   NOBODY_SLEEPS        claims that the state in which all sleep and all is done is never reached
 */

#ifndef INSERTERS
#define INSERTERS 2
#endif
#ifndef MISFORTUNES
#define MISFORTUNES 1          /* deaths of a dispatcher, and cuts of its connection */
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#define DISPATCHERS 2
#define NOBODY 7

mtype = { awake, queueing, asleep, waiting_for_lock, busy, dead };

byte waiting = 0;              /* rows that are committed and unclaimed: a bit each */
byte sharers = 0;              /* transactions that hold the bell lock shared */
byte bell = NOBODY;            /* the dispatcher that holds it exclusively */
byte wanted = NOBODY;          /* the dispatcher that waits for it: later shares are refused */
byte chair = NOBODY;           /* the dispatcher on duty */
byte delivering = 0;           /* commits between visible and delivered */

mtype state[DISPATCHERS] = awake;
bool listens[DISPATCHERS];
bool wake[DISPATCHERS];        /* a notification was heard: the flag that a look clears */
bool is_dead[DISPATCHERS];
bool is_cut[DISPATCHERS];

/* ---- an application: BEGIN, INSERT, SAVEPOINT, INSERT, ROLLBACK TO or RELEASE, COMMIT or not */

/* What the trigger does. `share` and `note` are of this level of the transaction. */
inline ring(share, note) {
  atomic {
    if
    :: outer_share || inner_share || (bell == NOBODY && wanted == NOBODY) ->
      sharers = sharers + (!outer_share && !inner_share -> 1 : 0);
      share = true
    :: else -> note = true
    fi
  };
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
  bool outer_share = false, inner_share = false, outer_note = false, inner_note = false;
  byte rows = 0;
  byte told = 0;

  if
  :: rows = rows | (1 << row); ring(outer_share, outer_note)
  :: skip
  fi;
  if
  :: ring(inner_share, inner_note);                       /* SAVEPOINT; INSERT */
    if
    :: atomic {                                           /* ROLLBACK TO SAVEPOINT */
        sharers = sharers - (inner_share && !outer_share -> 1 : 0);
        inner_share = false; inner_note = false
      }
    :: rows = rows | (1 << (row + 1))                     /* RELEASE, or just on */
    fi
  :: skip
  fi;
  if
  :: free_shares(); rows = 0; outer_note = false; inner_note = false  /* ROLLBACK, or the session ends */
  :: atomic {                                             /* COMMIT: visible */
      waiting = waiting | rows;
      delivering++;
      told = (outer_note || inner_note -> listens[0] + 2 * listens[1] : 0);
      rows = 0; outer_note = false; inner_note = false
    };
    free_shares();                                        /* locks are freed */
    atomic {                                              /* notifications are sent */
      wake[0] = wake[0] || ((told & 1) && listens[0]);
      wake[1] = wake[1] || ((told & 2) && listens[1]);
      told = 0; delivering--
    }
  fi
}

/* ---- a worker */

inline look() {
  seen = waiting;                                         /* the snapshot of the claim */
  atomic {
    took = 0;
    seen = seen & waiting;                                /* SKIP LOCKED */
    do
    :: seen && took < slots -> took++; held = held | (seen & -seen); seen = seen & (seen - 1)
    :: else -> break
    od;
    waiting = waiting & ~held;
    seen = 0;
#ifndef CLAIM_IS_LOST
    held = 0;
#endif
  };
#ifdef CLAIM_IS_LOST
  held = 0;                                               /* the claim is committed */
#endif
  atomic { slots = slots - took }
}

inline free_bell() {
  atomic { if :: bell == me -> bell = NOBODY :: else fi }
}

/* What the server does when a session ends. */
inline free_all() {
  atomic {
    if :: bell == me -> bell = NOBODY :: else fi;
    if :: wanted == me -> wanted = NOBODY :: else fi;
    if :: chair == me -> chair = NOBODY :: else fi;
    listens[me] = false; wake[me] = false;
    waiting = waiting | held; held = 0
  }
}

proctype dispatcher(byte me) {
  byte slots = SLOTS, took = 0, seen = 0, held = 0;
again:
  {
    took = 0;
queue:
    state[me] = queueing;
end_queueing:
    atomic { chair == NOBODY -> chair = me; state[me] = awake };
#ifndef LISTEN_AFTER_LOOK
    listens[me] = true;
#endif
duty:
    wake[me] = false;
    look();
    if
    :: slots == 0 -> goto hand_over
    :: slots > 0 && took > 0 -> goto duty
    :: else
    fi;
#ifdef WAIT_FOR_LOCK
    wanted = me; state[me] = waiting_for_lock;
end_waiting:
    atomic { bell == NOBODY && sharers == 0 -> wanted = NOBODY; bell = me; state[me] = awake };
#else
    atomic {
      if
      :: bell == NOBODY && sharers == 0 -> bell = me
      :: else ->                                          /* somebody is in flight: look again */
#ifndef SLEEP_WITHOUT_LOCK
        goto duty
#else
        skip
#endif
      fi
    };
#endif
#ifndef LOOK_BEFORE_LOCK
#ifndef CLEAR_AFTER_LOOK
    wake[me] = false;
#endif
    look();
    if
    :: took > 0 ->
      free_bell();
      if :: slots == 0 -> goto hand_over :: else -> goto duty fi
    :: else
    fi;
#ifdef CLEAR_AFTER_LOOK
    wake[me] = false;
#endif
#endif
#ifdef LISTEN_AFTER_LOOK
    listens[me] = true;
#endif
    state[me] = asleep;
end_asleep:
    atomic { wake[me] -> wake[me] = false; state[me] = awake };
    free_bell();
    goto duty;

hand_over:
    free_bell();
#ifndef KEEP_CHAIR
    atomic { listens[me] = false; wake[me] = false };
    atomic { if :: chair == me -> chair = NOBODY :: else fi };
#endif
    state[me] = busy;
end_busy:
    skip;                                                 /* an attempt may take for ever */
    atomic { slots = SLOTS; state[me] = awake };
#ifdef KEEP_CHAIR
    goto duty;
#else
    look();                                               /* more was waiting: no chair is needed */
    if :: slots == 0 -> goto hand_over :: else -> goto queue fi
#endif
  } unless { is_dead[me] || is_cut[me] };

  free_all();
  atomic {
    if
    :: is_dead[me] -> state[me] = dead; goto gone
    :: else -> is_cut[me] = false; slots = SLOTS; state[me] = awake; goto again
    fi
  };
gone:
  skip
}

/* A worker dies; or its connection is cut, which it notices, and it connects again. */
proctype misfortune() {
  byte left = MISFORTUNES;
end:
  do
  :: left > 0 -> left--; if :: is_dead[0] = true :: is_dead[1] = true :: is_cut[0] = true :: is_cut[1] = true fi
  :: break
  od
}

#define STILL(d) (!is_cut[d] && (!is_dead[d] || state[d] == dead) && ( \
  (state[d] == asleep && !wake[d]) || (state[d] == queueing && chair != NOBODY) || \
  state[d] == waiting_for_lock && (bell != NOBODY || sharers > 0) || \
  state[d] == busy || state[d] == dead))
#define COULD_RUN(d) (state[d] != busy && state[d] != dead)
#define ALL_STILL (delivering == 0 && STILL(0) && STILL(1))

/* A transaction that is open, for however long, is no excuse: only a delivery under way is. */
proctype judge() {
end:
#ifdef NOBODY_SLEEPS
  atomic { ALL_STILL && waiting == 0 && state[0] == asleep -> assert(false) }
#else
  atomic { ALL_STILL && waiting && (COULD_RUN(0) || COULD_RUN(1)) -> assert(false) }
#endif
}

init {
  atomic {
    run judge(); run misfortune();
    run dispatcher(0); run dispatcher(1);
    run inserter(0);
#if INSERTERS > 1
    run inserter(2);
#endif
#if INSERTERS > 2
    run inserter(4);
#endif
  }
}
