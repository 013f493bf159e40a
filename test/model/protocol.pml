/*
 * The protocol of docs/design.md §4 to §7, to be searched exhaustively by SPIN. README.md says what is left out, and why.
 *
 * One step of a process (a d_step) is one request: to the ledger, to Step Functions, or to Lambda. Between two steps anybody else may
 * go on. What a function reads, it keeps in local variables, and decides on them; what it writes is conditional, as the ledger is.
 * Faults are steps that take from a budget. `hidden` variables live inside one step only.
 *
 * From top to bottom: sizes and budgets, words, the ledger, the invariants, the fold, the decision, the functions, people and faults.
 */

/* ---------------------------------------------------------------------------------------------- sizes and budgets */

#ifndef MIGRATIONS
#define MIGRATIONS 1 /* ids 1 … MIGRATIONS, at most 3 */
#endif
#ifndef STARTS
#define STARTS 2 /* executions that somebody starts, at any time */
#endif
#ifndef EXECUTIONS
#define EXECUTIONS 3 /* with those that `resume` and a handover start */
#endif
#ifndef INVOCATIONS
#define INVOCATIONS 2 /* of run-migration at a time */
#endif
#ifndef LOG
#define LOG 12 /* entries at most; the model says so when it needs more */
#endif
#ifndef TRIES
#define TRIES 2 /* turns in a row that never start, before a person looks (the code: 3) */
#endif
#ifndef SLICES
#define SLICES 1 /* more: the migrations are checkpointed, and have at most so many slices in an attempt */
#endif
#ifndef BATCHES
#define BATCHES 0 /* more: the migrations are parallel, and their plans have so many batches */
#endif
#ifndef TOLERATED
#define TOLERATED 0 /* 1: one batch of a turn may fail, and further ones begin */
#endif
#ifndef PEOPLE
#define PEOPLE 1 /* who decide at the same time */
#endif
#ifndef DECISIONS
#define DECISIONS 2 /* that they make in all */
#endif
#ifndef SAY
#define SAY (1 + 2) /* which: 1 retry, 2 mark-applied, 4 skip, 8 abort */
#endif
#ifndef EAGER
#define EAGER 0 /* 1: people decide as soon as the log has the halt; else when they are told of it */
#endif
#ifndef WATCH
#define WATCH 0 /* 1: the watch tells waiters again, and starts an execution for a decision that none has seen; 2: it only tells */
#endif
/* Budgets: how many of each may happen in one history. */
#ifndef FAILS
#define FAILS 1 /* user code throws */
#endif
#ifndef SLOWS
#define SLOWS 0 /* S3 slows down a batch */
#endif
#ifndef HANGS
#define HANGS 0 /* user code goes on until its function is ended: no outcome */
#endif
#ifndef CRASHES
#define CRASHES 0 /* a function dies just after a request took effect, or, run-migration, at any point */
#endif
#ifndef LATES
#define LATES 0 /* a request takes effect at any time after its caller died; one is under way at a time */
#endif
#ifndef LOST
#define LOST 0 /* a write is sent again by the SDK, because its answer was lost: 412, and the nonce is compared */
#endif
#ifndef DENIALS
#define DENIALS 0 /* 403 */
#endif
#ifndef GAVE_UP
#define GAVE_UP 0 /* Step Functions takes an invocation for failed while it goes on */
#endif
#ifndef DOUBLES
#define DOUBLES 0 /* an invocation is dispatched twice */
#endif
#ifndef STOPS
#define STOPS 0 /* StopExecution; the function in flight goes on */
#endif
#ifndef REDRIVES
#define REDRIVES 0
#endif
#ifndef WRONG
#define WRONG 0 /* DescribeExecution says that a live execution is dead */
#endif
#ifndef SPOILS
#define SPOILS 0 /* user code puts rubbish where its outcome, or the next turn's claim, is to be */
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef BASELINES
#define BASELINES 0 /* of the lowest id */
#endif
#ifndef HANDOVERS
#define HANDOVERS 0 /* an execution's history is nearly full; that of the one that takes over is not, before the other one has ended */
#endif
/* The code of each migration, as deployed: two bits each, 0 is no file. DEPLOYS: what a deployment changes it to; 255: none. */
#ifndef CODE
#define CODE 21 /* 1 + 4 + 16 */
#endif
#ifndef DEPLOY
#define DEPLOY 255
#endif

/* ---------------------------------------------------------------------------------------------- words */

mtype = { ALLOWED, HALTED, DECIDED, COMPLETED }                                          /* entries */
mtype = { CLAIMED, VOID, SPOILED }                                                       /* claims */
mtype = { SUCCEEDED, FAILED, STOPPED, UNKNOWN, NOT_BEGUN, SLOWED }                       /* outcomes; the last two of batches alone */
mtype = { RETRY, MARK, SKIP, ABORT, CANCEL }                                             /* decisions */
mtype = { APPLIED, MARKED, SKIPPED, BASELINE }                                           /* completions */
mtype = { CANCELLED, CODE_CHANGED, FILE_GONE, NOT_STARTED, UNRECORDED, ERROR }           /* reasons of a halt, and FAILED, UNKNOWN */
mtype = { LIST, RUN, RECORD, WAIT, HALT, REFUSE, FINISH }                                /* states of the machine, and steps */
mtype = { FIRST, NEXT_ATTEMPT, NEXT_SLICE, AGAIN, RUN_AGAIN, TAKE_CLAIM, TAKE_OUTCOME, ASKS, LOOKS }  /* more steps */
mtype = { RUNNING, DONE, DEAD }                                                          /* of executions: DEAD is failed or stopped */
mtype = { MORE, ELSEWHERE, GO_ON }                                                       /* answers, and SUCCEEDED, ERROR, ABORT */

/* The rules of the decision, by name: -DWITHOUT=recordSuccess takes one away. */
mtype = { refuseLate, allowFirstPending, finished, recordSuccess, closeDecidedTurn, recordDecision, haltWithoutFile, haltRetryOfOtherCode,
  refuseLateRetry, allowNextAttempt, refuseHaltedElsewhere, haltAgain, haltCancelled, waitForNextSliceElsewhere, haltStoppedWithoutFile,
  haltStoppedOtherCode, waitForTime, waitAfterSlowDown, allowNextSlice, haltFailed, closeClaimedTurn, runAgain, waitForOwner, voidUnclaimedTurn, haltVoidCancelled,
  haltVoidWithoutFile, haltNotStarted, waitForDeployment, haltVoidOtherCode, refuseLateAgain, allowAgain }
#ifndef WITHOUT
#define WITHOUT 0
#endif

/* ---------------------------------------------------------------------------------------------- following a trace */

/*
 * With TRACE the model does what a trace of the simulation says, or stops (conformance.ts): each request waits until it is the next
 * event, and is compared with it. Without TRACE these words say nothing, and each request is possible at any time.
 */
#ifdef TRACE
mtype = { START, ENDS, REDRIVEN, PASSES }                                    /* the world around */
mtype = { LOOK_LIST, LOOK_RECORD, LOOK_HALT, LOOK_AGAIN, LOOK_WAITER, LOOK_BATCHES, READ, ASK, PUT, MISS, TAKE, TAKE_BATCH, LATE, HEARS, GONE }
mtype = { LEAVE, NOTIFY, WAITERS, TELL, CARRY_ON, INVOKE, CODE_STARTS, CODE_ENDS, RETURNED, THREW, SEALS, IS_CLOSED, SAYS, EFFECT, END, STUCK }
c_decl { \#include "follow.h" }
short at;                                 /* how many events have happened */
mtype event; byte by, e_a, e_b, e_c, e_d, e_e, e_f, e_g; /* the next one; 255: not said */
#define next() c_code { FOLLOW(); }
#define sees(what, who) (event == what && by == who)
#define hears(what) (event == HEARS && by == me && e_a == what)
#define says(field, value) (field == 255 || field == (value))
#define only(condition) (condition)
#define traced true
#else
#define next() skip
#define sees(what, who) true
#define hears(what) true
#define says(field, value) true
#define only(condition) false
#define traced false
#endif
#ifdef TRACE
hidden byte q_alone; /* nobody else waits in the halt, or is alive: what was answered */
#define seenManifest e_a
#define is(key) (key != 0)
#define isSoon() soon = (e_d == 1)
#define isAnyOrder() anyOrder = (e_b == 1)
#define readsTurn (e_a == turn && says(e_b, is(outcome[turn])) && says(e_c, is(claim[turn])))
#define takes(as) (event == TAKE && by == me && e_a == turn && e_b == as && e_c == (as == VOID -> !is(claim[turn]) : !is(outcome[turn])))
inline check(fits) {
  if
  :: fits -> next()
  :: else -> event = STUCK
  fi
}
#else
#define seenManifest deployed
#define readsTurn true
#define takes(as) true
#define isSoon() skip
#define isAnyOrder() skip
#define check(fits) skip
#endif
/* Who sends a request, by number: executions come first. */
#define function(f) (100 + (f))
#define person(p) (120 + (p))
#define NETWORK 140
#define WATCHES 141

/* ---------------------------------------------------------------------------------------------- the ledger, and what is around it */

typedef Entry {
  mtype kind;
  byte migration, attempt, slice;
  mtype what;      /* halted: the reason; decided: the decision; completed: the completion */
  byte about;       /* halted, completed: the turn; decided: the halt, or the turn; allowed: the manifest that was seen */
  byte who;        /* the execution; decided: the person */
  byte code;       /* allowed: of the turn; decided retry: of which it was said */
#if BATCHES
  byte rest;       /* allowed: the batches that it runs, a bit for each; 0: it plans */
#endif
};
Entry log[LOG + 1];
byte last;                                /* number of the last entry */
mtype claim[LOG + 1], outcome[LOG + 1];   /* of the turn of that entry */
bool over[LOG + 1];                       /* S3's clock is past the turn's deadline: its function was ended before */
byte waiter[(LOG + 1) * EXECUTIONS];      /* waiters/<halt>/<token>: by halt and execution */
#define waiterOf(h, e) waiter[(h) * EXECUTIONS + (e)]

#if BATCHES
#define ALL_BATCHES ((1 << BATCHES) - 1)
/* The batches of a turn, a bit for each: those that are claimed, and those that have such an outcome. */
byte begun[LOG + 1], succeeded[LOG + 1], failed[LOG + 1], unknown[LOG + 1], notBegun[LOG + 1], slowed[LOG + 1];
#define outcomesIn(t) (succeeded[t] | failed[t] | unknown[t] | notBegun[t] | slowed[t])
#define openIn(t) (begun[t] & ~outcomesIn(t))
byte planned[MIGRATIONS + 1];             /* the batches of a plan that is sealed, by migration; 0: it is not */
#define restOf(t) log[t].rest
#define isFromStart (only(e_f == 1) && d_kind == ALLOWED) /* a search goes on at the checkpoint */
#else
#define restOf(t) 0
#endif

byte deployed = CODE, functions = CODE;   /* what list-pending's manifest says, and what the functions are: two halves of a deployment */
#define codeOf(manifest, m) (((manifest) >> (2 * ((m) - 1))) & 3)

mtype status[EXECUTIONS];                 /* 0: the name is free */
short name[EXECUTIONS];                   /* by which it was started: continue-<entry>-<how manyth>; 0: by a person */
#define nameOf(entry, which) ((entry) * 32 + (which))
#if HANDOVERS
bool filled[EXECUTIONS];                    /* its history is nearly full, and stays so */
#define isFull filled[me]
#else
#define isFull false
#endif
byte runOf[EXECUTIONS];                   /* the execution that began the run, which one that carries on has in its input */
bool inFlight[EXECUTIONS];                /* stopped, and the function that was invoked before is yet to look */
byte token[EXECUTIONS], tokens[EXECUTIONS]; /* that waits now, and how many there were */
mtype told[EXECUTIONS];                   /* what came by its token: GO_ON, ABORT */
mtype answer[EXECUTIONS];                 /* of its invocation of run-migration */
byte changed;                             /* by execution: whether anything changed since it listed last */
#define change() changed = 255

byte invoked[INVOCATIONS], caller[INVOCATIONS]; /* the turn that it is to run; the execution that waits for it, plus 1 */
#if BATCHES
byte asked[INVOCATIONS];                  /* the batch that it is to run, by its bit; 0: the turn itself */
#define isAsked(f) asked[f]
#else
#define isAsked(f) 0
#endif
#ifdef TRACE
byte ownCode[INVOCATIONS];                /* of its function, which in a trace may be that of any deployment */
byte voidedBy[LOG + 1];                  /* which code the function had that made the turn void */
#endif

#if BATCHES
byte lateBatch;                           /* of lateTurn, which its claim or its outcome is of; 0: of the turn itself */
#endif
byte lateNumber, lateTurn; mtype lateClaim, lateOutcome; Entry lateEntry; /* a request under way, whose caller died */

byte fails = FAILS, slows = SLOWS, hangs = HANGS, crashes = CRASHES, lates = LATES, lost = LOST, denials = DENIALS, gaveUp = GAVE_UP, doubles = DOUBLES;
byte stops = STOPS, redrives = REDRIVES, wrong = WRONG, spoils = SPOILS, decisions = DECISIONS, handovers = HANDOVERS;

/* ---------------------------------------------------------------------------------------------- the fold */

hidden byte i, j, f_turn, f_tries, f_halt, f_decided, f_verdict, f_cancel, f_done, f_known;
#define bitOf(m) (1 << (m))

/* What the log up to entry n amounts to: its open turn, how often in a row it was allowed, its last halt and the decision on it, the
 * first mark-applied or skip, the cancel; which migrations are completed, and which the log knows. */
inline fold(n) {
  f_turn = 0; f_tries = 0; f_halt = 0; f_decided = 0; f_verdict = 0; f_cancel = 0; f_done = 0; f_known = 0;
  i = 1;
  do
  :: i > n -> break
  :: else ->
    if
    :: log[i].kind == ALLOWED ->
      if
      :: f_turn != 0 && log[i].attempt == log[f_turn].attempt && log[i].slice == log[f_turn].slice -> f_tries++
      :: else -> f_tries = 1
      fi;
      f_turn = i; f_halt = 0; f_decided = 0; f_verdict = 0; f_cancel = 0;
      f_known = f_known | bitOf(log[i].migration)
    :: log[i].kind == HALTED -> f_halt = i; f_decided = 0
    :: log[i].kind == DECIDED && log[i].what == CANCEL -> f_cancel = i
    :: log[i].kind == DECIDED && log[i].what != CANCEL ->
      f_decided = i;
      if
      :: f_verdict == 0 && (log[i].what == MARK || log[i].what == SKIP) -> f_verdict = i
      :: else
      fi
    :: log[i].kind == COMPLETED ->
      f_turn = 0; f_halt = 0; f_decided = 0; f_verdict = 0; f_cancel = 0;
      f_known = f_known | bitOf(log[i].migration); f_done = f_done | bitOf(log[i].migration)
    fi;
    i++
  od
}

/* ---------------------------------------------------------------------------------------------- the invariants (docs/design.md §7) */

byte openTurn, openHalt, openCancel; /* as the log says; for guards of people and of time only */
bool busyWith[LOG + 1];      /* a function has claimed the turn and has not ended */
byte running;              /* the turn whose user code runs */
bool started[LOG + 1];     /* user code of the turn */
bool returned[LOG + 1];    /* user code of the turn, at the end of its migration */
byte served;               /* the last entry that list-pending has seen */
byte notified;             /* the last halt of which people were told */
byte excused;              /* the last entry when an execution was stopped or got a 403: what it was to do then is for a person to see */

#if BATCHES
byte succeededEver[MIGRATIONS + 1];   /* the batches whose success is recorded, by migration */
byte batchStarted[LOG + 1];  /* user code of these batches of the turn */
byte attempted[MIGRATIONS + 1];        /* the batches that this attempt has started, and S3 has not slowed down, by migration */
byte wasSlowed[LOG + 1];     /* user code of these ended because S3 asked for fewer requests */
byte batchRuns;              /* the batches of `running` whose user code runs */
byte bounded[LOG + 1];       /* the batches of the turn whose functions run, and end before its deadline */
#endif

hidden byte ok;

/* 1, 2, 3: user code of turn t starts. */
inline userCodeStarts(t) {
  assert(running == 0);                                       /* 1: at no time user code of two turns */
  assert(!started[t]);                                        /* 1: user code of one turn starts at most once */
  assert(t == openTurn);                                      /* 1: of no other turn than the one that is open */
  running = t; started[t] = true;
  fold(last);
  assert((f_done & bitOf(log[t].migration)) == 0);            /* 2: never after it was completed */
  j = 1; ok = (log[t].attempt == 1);
  do
  :: j >= t -> break
  :: else ->
    if
    :: log[j].kind == ALLOWED && log[j].migration == log[t].migration -> assert(outcome[j] != SUCCEEDED) /* 2: never after a success */
    :: log[j].kind == DECIDED && log[j].what == RETRY && log[j].migration == log[t].migration && log[j].attempt + 1 == log[t].attempt && log[j].code == log[t].code -> ok = true
    :: else
    fi;
    j++
  od;
  assert(ok);                                                 /* 2: attempt n+1 only after a person's retry on attempt n, of this code */
  fold(t);
  assert(traced || log[t].attempt > 1 || (f_known >> (log[t].migration + 1)) == 0); /* 3: no higher one was begun before */
  j = 1;
  do
  :: j >= log[t].migration || log[t].slice > 1 -> break
  :: else -> assert(traced || codeOf(log[t].about, j) == 0 || (f_done & bitOf(j)) != 0); j++ /* 3: every lower id is completed */
  od
}

#if BATCHES
/* 1, 2: user code of a batch of turn t starts. */
inline batchStarts(t, b) {
  assert(running == 0 || (running == t && batchRuns != 0));   /* 1: at no time user code of two turns, */
  assert((batchStarted[t] & b) == 0);                         /* 1: of one batch of a turn at most once, */
  assert(t == openTurn && outcome[t] == 0);                   /* 1: and of no turn that is settled */
  assert((restOf(t) & b) != 0);
  assert((succeededEver[log[t].migration] & b) == 0);                  /* 1: one that has succeeded is not run again, */
  assert((attempted[log[t].migration] & b) == 0);             /* 1: nor another one in its attempt, unless S3 has slowed it down */
  attempted[log[t].migration] = attempted[log[t].migration] | b;
  running = t; batchStarted[t] = batchStarted[t] | b; batchRuns = batchRuns | b
}

inline batchStops(b) {
  batchRuns = batchRuns & ~(b); running = (batchRuns == 0 -> 0 : running)
}

/* The outcome of a turn of batches is written. */
inline batchesAreOver(t, as) {
  assert(running != t && claim[t] != 0);                                            /* 1: none runs, or begins */
  assert((as == SUCCEEDED) == ((restOf(t) & ~succeededEver[log[t].migration]) == 0));        /* 4: nothing is left */
  assert((batchStarted[t] & ~(succeeded[t] | failed[t] | unknown[t] | slowed[t])) == 0); /* 4: what became of each that began is recorded, */
  assert((as == FAILED || as == UNKNOWN) == ((failed[t] | unknown[t]) != 0));       /* 6: and nothing that broke is passed over */
  returned[t] = (as == SUCCEEDED)
}
#endif

/* 2: an outcome that says success is written. */
inline successIsWritten(t) {
  j = t + 1;
  do
  :: j > last -> break
  :: else -> assert(!(started[j] && log[j].migration == log[t].migration)); j++
  od
}

hidden mtype d_kind, d_what; hidden byte d_migration, d_attempt, d_slice, d_about, d_who, d_code, d_rest;

/* 4, 5: what is appended follows from what is there; the fold would refuse it for ever otherwise. */
inline entryFollows() {
  fold(last);
  if
  :: d_kind == ALLOWED ->
    assert((f_done & bitOf(d_migration)) == 0);
#if BATCHES
    assert(running == 0);
    succeededEver[d_migration] = (isFromStart -> 0 : succeededEver[d_migration]);
    attempted[d_migration] = (d_slice == 1 -> 0 : attempted[d_migration]);
    assert(d_rest == 0 || d_rest == (planned[d_migration] & ~succeededEver[d_migration])); /* 1: the plan is whole, and what has succeeded is not in it */
    assert(f_turn == 0 || batchStarted[f_turn] == 0 || d_slice != log[f_turn].slice || d_attempt != log[f_turn].attempt);
#endif
    assert(f_turn != 0 || (d_attempt == 1 && d_slice == 1));
    assert(f_turn == 0 || log[f_turn].migration == d_migration);
    assert(f_verdict == 0);                                           /* 8: mark-applied and skip stand */
    assert(f_turn == 0 || d_attempt == log[f_turn].attempt || (d_attempt == log[f_turn].attempt + 1 && d_slice == 1 && f_decided != 0));
    if
    :: f_turn != 0 && d_attempt == log[f_turn].attempt ->
      assert(f_halt == 0 && f_cancel == 0);
      assert((d_slice == log[f_turn].slice && !started[f_turn]) || (d_slice == log[f_turn].slice + 1 && outcome[f_turn] == STOPPED));
      assert(d_slice == log[f_turn].slice || d_code == log[f_turn].code) /* an attempt is one code */
    :: else
    fi
  :: d_kind == HALTED -> 
    assert(f_turn != 0 && f_turn == d_about && (f_halt == 0 || f_decided != 0));
    assert(f_verdict == 0 || d_what == UNRECORDED); /* 7: mark-applied and skip are not asked again, */
    assert(f_decided == 0 || log[f_decided].what == ABORT || d_what == UNRECORDED || d_what == CODE_CHANGED || d_what == FILE_GONE) /* 7: nor is retry */
  :: d_kind == DECIDED && d_what == CANCEL -> assert(f_turn != 0 && f_turn == d_about && f_cancel == 0)
  :: d_kind == DECIDED && d_what != CANCEL -> assert(f_halt != 0 && f_halt == d_about && f_decided == 0)
  :: d_kind == COMPLETED ->
    assert((f_done & bitOf(d_migration)) == 0);                       /* 4: at most one for each id */
    assert((d_what == BASELINE) == (f_turn == 0));
    assert(f_turn == 0 || (f_turn == d_about && d_migration == log[f_turn].migration));
    assert(running == 0);                                             /* 1: nothing of it runs any more */
    assert(d_what != APPLIED || returned[d_about]);                      /* 4: user code returned, */
    assert(d_what == APPLIED || d_what == BASELINE || f_verdict != 0) /* 4: or a person said so */
  fi
}

/* ---------------------------------------------------------------------------------------------- requests that write */

/* Creates log/<last+1> of the draft; whoever calls has made sure that it is the next number. */
inline put() {
#ifdef TRACE
  if
  :: says(e_a, d_kind) && says(e_b, d_migration) && says(e_c, d_attempt) && says(e_d, d_slice) && says(e_e, (d_kind == ALLOWED -> d_rest : d_what)) && (d_kind == ALLOWED || says(e_f, d_about)) && says(e_g, d_code) -> skip
  :: else -> event = STUCK
  fi;
#endif
  entryFollows();
  next();
  assert(last < LOG); /* no invariant: LOG is too small */
  last++;
  log[last].kind = d_kind; log[last].migration = d_migration; log[last].attempt = d_attempt; log[last].slice = d_slice;
  log[last].what = d_what; log[last].about = d_about; log[last].who = d_who; log[last].code = d_code;
#if BATCHES
  restOf(last) = d_rest;
#endif
  printf("      log/%d %e of %d: attempt %d, slice %d, %e, of %d, by %d\n", last, d_kind, d_migration, d_attempt, d_slice, d_what, d_about, d_who);
  if
  :: d_kind == ALLOWED -> openTurn = last; openHalt = 0; openCancel = 0
  :: d_kind == HALTED -> openHalt = last
  :: d_kind == DECIDED && d_what == CANCEL -> openCancel = last
  :: d_kind == DECIDED && d_what != CANCEL -> openHalt = 0
  :: d_kind == COMPLETED -> openTurn = 0; openHalt = 0; openCancel = 0
  fi;
  change()
}

inline draft(kind_, migration_, attempt_, slice_, what_, about_, who_, code_) {
  d_kind = kind_; d_migration = migration_; d_attempt = attempt_; d_slice = slice_; d_what = what_; d_about = about_; d_who = who_; d_code = code_; d_rest = 0
}

/* The request is under way; its caller dies now. */
inline putLate(n) {
  lates--; lateNumber = n + 1;
  lateEntry.kind = d_kind; lateEntry.migration = d_migration; lateEntry.attempt = d_attempt; lateEntry.slice = d_slice;
  lateEntry.what = d_what; lateEntry.about = d_about; lateEntry.who = d_who; lateEntry.code = d_code
#if BATCHES
  ; lateEntry.rest = d_rest
#endif
}
#define mayBeLate (lates > 0 && lateNumber == 0 && lateTurn == 0)

inline createClaim(t, as) {
  if
  :: claim[t] == 0 -> claim[t] = as; printf("      claim of %d: %e\n", t, as); change()
  :: else
  fi
}

inline createOutcome(t, as) {
  if
  :: outcome[t] == 0 ->
#if BATCHES
    if
    :: restOf(t) != 0 -> batchesAreOver(t, as)
    :: else
    fi;
#endif
    outcome[t] = as; printf("      outcome of %d: %e\n", t, as); change();
    if
    :: as == SUCCEEDED -> successIsWritten(t)
    :: else
    fi
  :: else
  fi
}

#if BATCHES
/* Of the batch with bit b. */
inline createBatchOutcome(t, b, as) {
  if
  :: (outcomesIn(t) & (b)) == 0 ->
    printf("      outcome of batch %d of %d: %e\n", b, t, as); change();
    if
    :: as == SUCCEEDED -> succeeded[t] = succeeded[t] | (b); succeededEver[log[t].migration] = succeededEver[log[t].migration] | (b)
    :: as == FAILED -> failed[t] = failed[t] | (b)
    :: as == UNKNOWN -> assert(running != t || (batchRuns & (b)) == 0); unknown[t] = unknown[t] | (b)
    :: as == NOT_BEGUN -> assert((batchStarted[t] & (b)) == 0); notBegun[t] = notBegun[t] | (b)
    :: as == SLOWED -> assert((wasSlowed[t] & (b)) != 0); slowed[t] = slowed[t] | (b); attempted[log[t].migration] = attempted[log[t].migration] & ~(b) /* 6: what failed does not pass for it */
    fi
  :: else
  fi
}
#define hasOutcome(t, b) ((outcomesIn(t) & (b)) != 0)
#endif

/* SendTaskSuccess or SendTaskFailure to one of those that wait: `accepted` when its token was alive. */
#define isWaiting(e, t) ((t) != 0 && (t) == token[e] && status[e] == RUNNING)
inline tellOne(e, t, result) {
  if
  :: isWaiting(e, t) -> token[e] = 0; told[e] = result; accepted = true; printf("      %d is told %e\n", e, result)
  :: else
  fi
}

hidden byte someoneWaits;

/* To every waiter of `seen`, one after the other. In a search at once: a token that is told is not waited for any more, so order says nothing. */
#ifdef TRACE
#define NO_EFFECT 2
#define ANSWERED 1
#define FAILED_ 0
#define REFUSED 2
#define allTold (seen[0] + seen[1] + seen[2] + seen[3] + seen[4] + seen[5] + seen[6] + seen[7] + seen[8] + seen[9] + seen[10] + seen[11] + \
  seen[12] + seen[13] + seen[14] + seen[15] + seen[16] + seen[17] + seen[18] + seen[19] + seen[20] + seen[21] + seen[22] + seen[23] == 0) /* EXECUTIONS */
inline tellOneByOne(who, result) {
  do
  :: d_step {
      event == TELL && by == who ->
      if
      :: e_b != result || seen[e_a] == 0 -> event = STUCK
      :: e_c == NO_EFFECT -> seen[e_a] = 0; next()
      :: e_c != NO_EFFECT && e_c == isWaiting(e_a, seen[e_a]) -> i = e_a; tellOne(i, seen[i], result); seen[i] = 0; i = 0; next()
      :: else -> event = STUCK
      fi
    }
  :: atomic { allTold -> break }
  :: atomic { event == HEARS && by == who && (e_a == ERROR || e_a == UNRECORDED) -> break }
  :: atomic { who < EXECUTIONS && told[(who) % EXECUTIONS] != 0 -> break } /* it goes on: what is left of its function tells as the watch does */
  :: atomic { who < EXECUTIONS && status[(who) % EXECUTIONS] != RUNNING -> break } /* its function has ended */
  :: atomic { event == GONE && by == who && e_a != ANSWERED -> break }
  od;
  skip
}
#define tellInTurn(who, result) tellOneByOne(who, result);
#define tellAll(result) skip
#else
#define tellInTurn(who, result)
inline tellAll(result) {
  i = 0;
  do
  :: i >= EXECUTIONS -> break
  :: else -> tellOne(i, seen[i], result); i++
  od;
  i = 0
}
#endif

inline readWaiters(h) {
  i = 0;
  do
  :: i >= EXECUTIONS -> break
  :: else -> seen[i] = waiterOf(h, i); i++
  od;
  i = 0
}

/* StartExecution under a name: nothing happens when there was one of that name. `i` is the execution. */
inline startNamed(called, run_) {
  i = 0;
  do
  :: i >= EXECUTIONS || (status[i] != 0 && name[i] == called) || (status[i] == 0 && i >= STARTS) -> break
  :: else -> i++
  od;
  assert(i < EXECUTIONS); /* no invariant: EXECUTIONS is too small */
  if
  :: status[i] == 0 -> status[i] = RUNNING; name[i] = called; runOf[i] = run_; printf("      execution %d is started as %d\n", i, called); change()
  :: else
  fi
}

#define NOBODY 255
#ifdef HANDED_BACK
#define isAfter(one, other) ((one) != (other))
#else
#define isAfter(one, other) (name[one] > name[other])
#endif
/* Starts the execution that carries on from an entry; the next name when the one of that name has ended, or does not come after the caller. */
inline carryOn(entry, instead, run_) {
  j = 1;
  do
  :: assert(j < 32); startNamed(nameOf(entry, j), run_);
    if
    :: status[i] == RUNNING && ((instead) == NOBODY || isAfter(i, instead)) -> break
    :: else -> j++
    fi
  od;
  check(e_a == entry && e_b == j && e_c == i)
}
#define runOfHalt(decided_) runOf[log[log[decided_].about].who]

/* ---------------------------------------------------------------------------------------------- the decision */

hidden byte q_code; hidden mtype q_decision, q_outcome; hidden byte q_closed, q_mine, q_alive, q_elsewhere, q_late, q_liar, q_halts; hidden byte q_pending;
inline rule(name_, condition, then) {
  if
  :: step == 0 && WITHOUT != name_ && (condition) -> step = then
  :: else
  fi
}
inline ruleHalt(name_, condition, reason) {
  if
  :: step == 0 && WITHOUT != name_ && (condition) -> step = HALT; why = reason
  :: else
  fi
}

/* Whether another live execution waits, or waited, in the open halt. */
inline haltedElsewhere() {
  q_elsewhere = false; j = 0;
  do
  :: j >= EXECUTIONS || f_halt == 0 || f_decided != 0 || q_halts -> break
  :: else ->
    if
    :: j != me && waiterOf(f_halt, j) != 0 && status[j] == RUNNING -> q_elsewhere = true
    :: else
    fi;
    j++
  od;
#ifdef TRACE
  q_elsewhere = q_elsewhere && !q_alone;
#endif
}

#ifndef BATCHES_RUN_AGAIN
#define BATCHES_RUN_AGAIN false
#endif

/* From n, o (outcome), c (claim), late, manifest, me: the step, and why. The first rule that holds is the answer. */
inline decide() {
  fold(n); step = 0; why = 0;
#if HANDOVERS
  goesOn = false;
#endif
  q_late = false; q_pending = 0; j = MIGRATIONS;
  do /* an id that the log does not know, below one that it knows; the first that is not completed */
  :: j == 0 -> break
  :: else ->
    if
    :: codeOf(manifest, j) != 0 && (f_known & bitOf(j)) == 0 && (f_known >> (j + 1)) != 0 -> q_late = true
    :: else
    fi;
    if
    :: codeOf(manifest, j) != 0 && (f_done & bitOf(j)) == 0 -> q_pending = j
    :: else
    fi;
    j--
  od;
#ifdef TRACE
  q_late = q_late && !anyOrder;
#endif
  if
  :: f_turn == 0 ->
    rule(refuseLate, q_late, REFUSE);
    rule(allowFirstPending, q_pending != 0, FIRST);
    rule(finished, true, FINISH)
  :: else ->
    q_code = codeOf(manifest, log[f_turn].migration);
    q_decision = (f_decided != 0 && log[f_decided].what != ABORT -> log[f_decided].what : 0);
    q_mine = (log[f_turn].who == me || q_halts); q_alive = (!q_mine && status[log[f_turn].who] == RUNNING && !q_liar);
    haltedElsewhere();
#if HANDOVERS
    goesOn = (q_alive && runOf[log[f_turn].who] == runOf[me] && isAfter(log[f_turn].who, me));
#endif
#ifdef NO_VOID
    if
    :: c == 0 && o == 0 && (q_decision != 0 || (!q_mine && !q_alive)) -> c = VOID
    :: else
    fi;
#endif
#ifdef NO_UNKNOWN
    if
    :: c == CLAIMED && o == 0 && late -> o = UNKNOWN
    :: else
    fi;
#endif
    q_outcome = (c == VOID -> 0 : (o == SPOILED -> (late -> UNKNOWN : 0) : o));
#ifdef SPOILED_IS_CLOSED
    q_outcome = (o == SPOILED -> UNKNOWN : o);
#endif
    q_closed = (c == VOID || q_outcome != 0);
#ifdef LAST_VERDICT
    if
    :: q_decision == RETRY -> f_verdict = 0
    :: else
    fi;
#endif
    rule(recordSuccess, q_outcome == SUCCEEDED, RECORD);
    rule(closeDecidedTurn, q_decision != 0 && !q_closed && c == 0, TAKE_CLAIM);
    rule(closeDecidedTurn, q_decision != 0 && !q_closed && late, TAKE_OUTCOME);
    rule(closeDecidedTurn, q_decision != 0 && !q_closed, WAIT);
    rule(recordDecision, q_decision != 0 && f_verdict != 0, RECORD); /* the first verdict stays, whatever is said of its recording */
    ruleHalt(haltWithoutFile, q_decision == RETRY && q_code == 0, FILE_GONE);
    ruleHalt(haltRetryOfOtherCode, q_decision == RETRY && q_code != log[f_decided].code, CODE_CHANGED);
    rule(refuseLateRetry, q_decision == RETRY && q_late, REFUSE);
    rule(allowNextAttempt, q_decision == RETRY, NEXT_ATTEMPT);
    rule(refuseHaltedElsewhere, q_elsewhere, REFUSE);
#ifdef ABORT_GOES_ON
    rule(ABORT, f_decided != 0, NEXT_ATTEMPT);
#endif
    ruleHalt(haltAgain, f_halt != 0, log[f_halt].what); /* open, or aborted */
    ruleHalt(haltCancelled, q_outcome == STOPPED && f_cancel != 0, CANCELLED);
    rule(waitForNextSliceElsewhere, q_outcome == STOPPED && q_alive, WAIT);
    ruleHalt(haltStoppedWithoutFile, q_outcome == STOPPED && q_code == 0, FILE_GONE);
    ruleHalt(haltStoppedOtherCode, q_outcome == STOPPED && q_code != log[f_turn].code, CODE_CHANGED);
#ifdef TRACE
    rule(waitForTime, q_outcome == STOPPED && soon && restOf(f_turn) == 0, WAIT); /* times are left out of a search */
    rule(waitAfterSlowDown, q_outcome == STOPPED && soon && restOf(f_turn) != 0, WAIT);
#endif
    rule(allowNextSlice, q_outcome == STOPPED, NEXT_SLICE);
    ruleHalt(haltFailed, q_outcome == FAILED || q_outcome == UNKNOWN, q_outcome);
    rule(closeClaimedTurn, (c == CLAIMED || c == SPOILED) && late, TAKE_OUTCOME);
    rule(closeClaimedTurn, c == CLAIMED || c == SPOILED, WAIT);
    rule(runAgain, c == 0 && q_mine && q_code == log[f_turn].code && f_cancel == 0 && (restOf(f_turn) == 0 || BATCHES_RUN_AGAIN), RUN_AGAIN);
    rule(waitForOwner, c == 0 && q_alive, WAIT);
    rule(voidUnclaimedTurn, c == 0, TAKE_CLAIM);
    ruleHalt(haltVoidCancelled, f_cancel != 0, CANCELLED);
    ruleHalt(haltVoidWithoutFile, q_code == 0, FILE_GONE);
    ruleHalt(haltNotStarted, f_tries >= TRIES, NOT_STARTED);
#ifdef TRACE
    rule(waitForDeployment, soon && voidedBy[f_turn] != 0 && voidedBy[f_turn] != q_code, WAIT); /* times are left out of a search */
#endif
    ruleHalt(haltVoidOtherCode, (log[f_turn].attempt > 1 || log[f_turn].slice > 1) && q_code != log[f_turn].code, CODE_CHANGED);
    rule(refuseLateAgain, q_late, REFUSE);
    rule(allowAgain, true, AGAIN)
  fi
}

#if HANDOVERS
#define handsOver ((isFull || handovers > 0) && (isAllow || step == RECORD || step == WAIT))
#define fill() handovers = (isFull -> handovers : handovers - 1); filled[me] = true
#else
#define handsOver false
#define goesOn false
#define fill() skip
#endif
#define isAllow (step == FIRST || step == NEXT_ATTEMPT || step == NEXT_SLICE || step == AGAIN)

/* The entry that the step appends, of what the log says up to n. */
inline draftAllowed() {
  fold(n);
  if
  :: step == FIRST ->
    j = 1;
    do
    :: codeOf(manifest, j) != 0 && (f_done & bitOf(j)) == 0 -> break
    :: else -> j++
    od;
    draft(ALLOWED, j, 1, 1, 0, manifest, me, codeOf(manifest, j))
  :: else ->
    j = log[f_turn].migration;
    draft(ALLOWED, j, log[f_turn].attempt, log[f_turn].slice, 0, manifest, me, codeOf(manifest, j));
    if
    :: step == NEXT_ATTEMPT -> d_attempt++; d_slice = 1
    :: step == NEXT_SLICE -> d_slice++
    :: else
    fi
#if BATCHES
    ;
    if /* what it reads of the turn before it and of its checkpoint does not change any more: so it reads them in this step */
    :: isFromStart -> d_rest = 0
    :: !isFromStart && restOf(f_turn) != 0 -> d_rest = restOf(f_turn) & ~succeeded[f_turn]
    :: !isFromStart && restOf(f_turn) == 0 -> d_rest = planned[j]
    fi
#ifdef RETRY_RUNS_ALL
    ; d_rest = planned[j]
#endif
#ifdef PLAN_NOT_SEALED
    ; d_rest = (d_rest == 0 && step == NEXT_SLICE -> ALL_BATCHES : d_rest)
#endif
#endif
  fi
}

/* ---------------------------------------------------------------------------------------------- looking */

/* A function's own clock is ahead. */
#ifdef CLOCK_OF_FUNCTION
#define readClock() late = (turn != 0)
#else
#define readClock() late = (turn != 0 && over[turn])
#endif

#ifdef BATCHES_BEFORE_CLAIM
#define lookEarly() early = begun[turn]
#else
#define lookEarly() skip
#endif

/* The first request of a look: the log, and S3's clock. */
inline look() {
  n = last; manifest = seenManifest; fold(n); turn = f_turn; o = 0; c = 0; step = 0; q_liar = false; q_halts = false; lookEarly(); readClock()
}
#define isKnown(outcome_) (outcome_ != 0 && outcome_ != SPOILED)

/* ---------------------------------------------------------------------------------------------- an execution, with list-pending, record-completion and halt */

/* Its outcome, and then its claim. These are two requests, and one step: nothing could come between that this order does not see as if
 * both had been read at one moment, because an outcome comes after its claim, and neither ever changes. */
inline readTurn() {
  o = outcome[turn];
#if BATCHES
  became = UNKNOWN; /* of a turn of batches, what they amount to */
#endif
  c = (isKnown(o) -> 0 : claim[turn])
}

#if BATCHES
/* The batches of a turn that is closed, after its keys. When all that began have ended, nobody waits for its deadline. */
#define areToBeRead (restOf(turn) != 0 && c != 0)
inline readBatches() {
  open = openIn(turn);
#ifdef BATCHES_BEFORE_CLAIM
  open = open & early; c = (early == 0 -> c : (c == VOID -> CLAIMED : c));
#endif
  if
  :: (restOf(turn) & ~succeeded[turn]) == 0 -> became = SUCCEEDED
  :: (restOf(turn) & ~succeeded[turn]) != 0 && failed[turn] != 0 -> became = FAILED
  :: (restOf(turn) & ~succeeded[turn]) != 0 && failed[turn] == 0 && unknown[turn] != 0 -> became = UNKNOWN
  :: else -> became = STOPPED
  fi;
#ifdef BROKEN_BATCHES_STOP
  became = (became == FAILED || became == UNKNOWN -> STOPPED : became);
#endif
#ifdef SLOWED_IS_FAILED
  became = (became == STOPPED && slowed[turn] != 0 -> FAILED : became);
#endif
#ifdef NOT_BEGUN_SUCCEEDED
  became = (became == STOPPED -> SUCCEEDED : became);
#endif
#if !defined(CLOSED_IS_VOID) && !defined(BATCHES_BEFORE_CLAIM)
#ifdef SLOWED_IS_VOID
  c = (c == VOID && (begun[turn] & ~(notBegun[turn] | slowed[turn])) != 0 -> CLAIMED : c);
#else
  c = (c == VOID && (begun[turn] & ~notBegun[turn]) != 0 -> CLAIMED : c);
#endif
#endif
#ifdef NO_BATCH_DEADLINE
  open = 0;
#endif
  late = late || (c != VOID && open == 0 && o == 0)
}
#else
#define areToBeRead false
#endif

/* Nobody waits for the invocation that this execution made. */
inline forget() {
  i = 0; answer[me] = 0;
  do
  :: i >= INVOCATIONS -> break
  :: else ->
    if
    :: caller[i] == me + 1 -> caller[i] = 0
    :: else
    fi;
    i++
  od;
  i = 0
}

inline draftCompleted() {
  fold(n);
  draft(COMPLETED, log[f_turn].migration, log[f_turn].attempt, 0, APPLIED, f_turn, me, 0);
  if
  :: o == SUCCEEDED -> skip
  :: else -> d_what = (log[f_verdict].what == MARK -> MARKED : SKIPPED)
  fi
}

#if BATCHES
#ifdef NO_BATCH_UNKNOWN
#define allClosed true
#else
#define allClosed (open == 0)
#endif
#define unknownOr became
#ifdef TRACE
#define takesBatch(who, as) (event == TAKE_BATCH && by == who && e_a == turn && e_c == as && e_d == (as == CLAIMED -> (begun[turn] & e_b) == 0 : !hasOutcome(turn, e_b)))
#define nextOpen e_b
#else
#define takesBatch(who, as) true
#define nextOpen (open & (256 - open)) /* the lowest bit */
#endif
#else
#define allClosed true
#define unknownOr UNKNOWN
#endif

/* Whether there is something to record: what became of the turn, or what a person said of it first. What was said of a later halt, an
 * abort for one, does not take that back: another execution may be about to record it. */
inline decideRecord() {
  decide();
  if
  :: f_turn == payload && (q_outcome == SUCCEEDED || (f_verdict != 0 && q_closed)) -> step = RECORD
  :: else -> step = LIST
  fi
}

/* Halt decides anew, as if the turn were its execution's own. `cause`, of what the machine says: UNRECORDED of record-completion. */
inline decideHalt() {
  q_halts = true; decide(); q_halts = false;
  if
  :: f_turn != payload -> step = LIST
  :: f_turn == payload && f_halt != 0 && f_decided == 0 && (step != RECORD || cause == UNRECORDED) -> step = WAIT; halt = f_halt /* joins it */
  :: else ->
#ifdef HALT_TRUSTS_ITS_CALLER
    why = (step == HALT -> why : ERROR); step = HALT;
#endif
    if
    :: step == HALT -> skip
    :: step == RECORD && cause == UNRECORDED -> step = HALT; why = UNRECORDED
    :: step != HALT && step != RECORD && f_halt == 0 && c == 0 && q_outcome == 0 -> step = HALT; why = NOT_STARTED
    :: step != HALT && step != RECORD && f_halt == 0 && (c == CLAIMED || c == SPOILED) && q_outcome == 0 -> step = HALT; why = UNKNOWN
    :: else -> step = LIST /* not needed: list-pending goes on */
    fi
  fi
}

/* The next halt of the turn; 0: there is none. In a search, of those in which somebody waits: to tell nobody changes nothing. */
inline nextHalt() {
  do
  :: halt++; someoneWaits = false; j = 0;
    do
    :: j >= EXECUTIONS || halt > last -> break
    :: else -> someoneWaits = someoneWaits || isWaiting(j, waiterOf(halt, j)); j++
    od;
    if
    :: halt > last || log[halt].kind == COMPLETED -> halt = 0; break
    :: halt <= last && log[halt].kind == HALTED && (traced || someoneWaits) -> break
    :: else
    fi
  od;
  j = 0
}

inline draftHalted() {
  draft(HALTED, log[payload].migration, log[payload].attempt, 0, why, payload, me, 0)
}

/* What a waiter of `halt` is told, of what the log says up to n; 0: it is open. */
inline settledAs(h, as) {
  as = 0; fold(n);
  if
  :: f_halt == h && f_decided == 0 -> skip
  :: else ->
    as = GO_ON; j = 1;
    do
    :: j > n -> break
    :: else ->
      if
      :: log[j].kind == DECIDED && log[j].about == h && log[j].what == ABORT -> as = ABORT
      :: else
      fi;
      j++
    od
  fi
}

inline clear() {
  i = 0;
  do
  :: i >= EXECUTIONS -> break
  :: else -> seen[i] = 0; i++
  od;
  i = 0
}

/* A stopped execution enters no state; the function in flight goes on to its end, and may not have looked yet. */
#if STOPS
#define runs (status[me] == RUNNING)
#define mayLook (runs || inFlight[me])
#else
#define runs true
#define mayLook true
#endif

/* The machine is in its next state, and keeps the turn and the cause; nobody remembers what a function read. */
inline enter(next) {
#if BATCHES
  open = 0; became = 0; sent = 0;
#endif
  inFlight[me] = false; state = next; n = 0; manifest = 0; turn = 0; o = 0; c = 0; late = false; step = 0; why = 0; halt = 0;
#if HANDOVERS
  goesOn = false;
#endif
  if
  :: state == LIST || state == WAIT || state == REFUSE -> payload = 0; cause = 0
  :: else
  fi
}

#if BATCHES
#define afterKeys(decides) q_liar = false; step = (areToBeRead -> LOOKS : 0); if :: step == 0 -> decides :: else fi
#else
#define afterKeys(decides) q_liar = false; decides
#endif
#define mustAsk (traced && (log[turn].who != me || (f_halt != 0 && f_decided == 0)))
/* In a trace alone: the function dies, or fails, before it has done what it was about to do; or nobody hears it any more. */
#define abandons(next_) only(hears(ERROR)) -> next(); token[me] = 0; told[me] = 0; enter(next_)
/* And the same for a 403 of record-completion, which is not repeated. */
#define refusedRecord only(hears(UNRECORDED)) -> next(); cause = UNRECORDED; enter(HALT)
#define isLeft (traced && !runs)
#define runsTurn (restOf(payload) == 0)

proctype Execution(byte me) {
  mtype state = LIST, cause; /* of the machine, with the turn: what Step Functions keeps */
  byte payload;
  mtype step, why, o, c;     /* of the function that it calls */
  byte n, manifest, turn, halt, seen[EXECUTIONS];
  bool late, accepted;
#if BATCHES
  byte sent;                 /* of its map: the batches whose children have begun */
#ifdef BATCHES_BEFORE_CLAIM
  byte early;
#endif
  byte open; mtype became;   /* what was read of the turn's batches: those that may run, and what the turn amounts to */
#endif
#if HANDOVERS
  bool goesOn;               /* a later execution of the same run has a turn, and lives: it is handed over to that */
#endif
#ifdef TRACE
  bool soon;                 /* the turn was made void less than five minutes ago; or it stopped, and the next one waits for its time */
  bool anyOrder;             /* its input allows what is late */
#endif

ended: /* One that is stopped or failed comes here, and goes on from here when it is redriven. */
  if
  :: atomic { status[me] == RUNNING && state == LIST -> goto list }
  :: atomic { status[me] == RUNNING && state == WAIT -> goto wait }
  :: atomic { status[me] == RUNNING && state == RUN -> goto invoke }
  :: atomic { status[me] == RUNNING && state == RECORD -> goto record }
  :: atomic { status[me] == RUNNING && state == HALT -> goto halted }
  :: d_step { redrives > 0 && status[me] == DEAD && sees(REDRIVEN, me) -> next(); redrives--; inFlight[me] = false; token[me] = 0; told[me] = 0; status[me] = RUNNING; change(); printf("%d is redriven\n", me) }; goto ended
  :: d_step { status[me] == RUNNING && state == REFUSE && sees(ENDS, me) && says(e_a, FAILED) -> next(); status[me] = DEAD; change() }; goto ended
  fi;

  /* ---- List pending */
list:
  if
  :: d_step {
      mayLook && sees(LOOK_LIST, me) -> inFlight[me] = false; printf("%d: List pending looks\n", me);
      assert(traced || (changed & bitOf(me)) != 0); /* 7: it does not go round and round while nothing changes */
      changed = changed & (255 - bitOf(me));
      if
      :: !traced && STARTS > 1 && me == 0 && status[1] == 0 -> status[1] = RUNNING; runOf[1] = 1 /* the second one starts later: they are alike */
      :: else
      fi;
      look(); isAnyOrder();
      if
      :: n > served -> served = n
      :: else
      fi;
      if
      :: turn == 0 -> decide()
      :: else
      fi;
      next()
    }
  :: d_step { runs && denials > 0 && sees(ENDS, me) && says(e_a, FAILED) -> next(); denials--; status[me] = DEAD; excused = last; change(); printf("%d: List pending gets a 403\n", me) }; goto ended
  :: d_step { abandons(LIST) }; goto list
  :: d_step { !runs -> inFlight[me] = false }; goto ended
  fi;
keys:
#ifdef CLOCK_READ_AFTER
  if
  :: d_step { turn != 0 -> readTurn() }; d_step { readClock(); q_liar = false; decide() }
  :: turn == 0
  fi;
#endif
#ifndef CLOCK_READ_AFTER
  if
  :: d_step {
      turn != 0 && sees(READ, me) && readsTurn -> readTurn(); isSoon(); next(); q_liar = false; q_halts = false; fold(n);
      if
      :: areToBeRead -> step = LOOKS
      :: !areToBeRead && mustAsk -> step = ASKS
      :: else -> decide()
      fi
    }
  :: d_step { turn != 0 && wrong > 0 && !traced -> wrong--; readTurn(); q_liar = true; q_halts = false; decide() }
  :: d_step { abandons(LIST) }; goto list
  :: isLeft -> goto ended
  :: turn == 0
  fi;
#if BATCHES
  if
  :: d_step {
      step == LOOKS && sees(LOOK_BATCHES, me) -> readBatches(); next(); step = 0; fold(n);
      if
      :: mustAsk -> step = ASKS
      :: else -> decide()
      fi
    }
  :: d_step { abandons(LIST) }; goto list
  :: isLeft -> goto ended
  :: step != LOOKS
  fi;
#endif
#ifdef TRACE
  /* Who is alive, and who waits in its halt: requests of their own, which a search takes for one with the others. */
  if
  :: d_step { step == ASKS && sees(ASK, me) -> q_liar = (e_a == 0); q_alone = (e_b == 0); q_halts = false; decide(); q_alone = false; check((e_a != 1 || q_mine || q_alive) && (e_b != 1 || q_elsewhere)) }
  :: d_step { abandons(LIST) }; goto list
  :: isLeft -> goto ended
  :: step != ASKS
  fi;
#endif
#endif
acts:
  if
  :: d_step { isAllow && !isFull && last == n && sees(PUT, me) -> draftAllowed(); put(); payload = last; enter(RUN) }; goto invoke
#ifdef APPEND_WITHOUT_LOOK
  :: d_step { isAllow && last != n -> draftAllowed(); put(); payload = last; enter(RUN) }; goto invoke
#else
  :: d_step { isAllow && !isFull && last != n && sees(MISS, me) -> next(); printf("%d: 412\n", me); enter(LIST); inFlight[me] = !runs }; goto list
#endif
  :: d_step { isAllow && !isFull && last == n && crashes > 0 && sees(PUT, me) -> crashes--; draftAllowed(); put(); printf("%d: dies\n", me); enter(LIST) }; goto list
  :: d_step { isAllow && !isFull && mayBeLate && sees(LATE, me) -> next(); draftAllowed(); putLate(n); change(); enter(LIST) }; goto list
  :: d_step { handsOver && !goesOn && sees(CARRY_ON, me) -> fill(); carryOn(n, me, runOf[me]); change(); printf("%d: hands over to %d\n", me, i); step = 0 }; goto handedOver
  :: d_step { handsOver && goesOn && hears(DONE) -> fill(); fold(n); check(e_b == log[f_turn].who); status[me] = DONE; change(); printf("%d: Handed over to the owner of turn %d\n", me, f_turn); enter(LIST) }; goto ended
  :: d_step { handsOver && !goesOn && crashes > 0 && sees(CARRY_ON, me) -> fill(); crashes--; carryOn(n, me, runOf[me]); change(); printf("%d: hands over, dies\n", me); enter(LIST) }; goto list
  :: d_step { step == TAKE_CLAIM && takes(VOID) -> next(); createClaim(turn, VOID); step = 0 }; goto keys
  :: d_step { step == TAKE_CLAIM && crashes > 0 && takes(VOID) -> crashes--; next(); createClaim(turn, VOID); enter(LIST) }; goto list
  :: d_step { step == TAKE_CLAIM && mayBeLate && sees(LATE, me) -> next(); lates--; lateTurn = turn; lateClaim = VOID; change(); enter(LIST) }; goto list
  :: d_step { step == TAKE_OUTCOME && allClosed && takes(unknownOr) -> next(); createOutcome(turn, unknownOr); step = 0 }; goto keys
  :: d_step { step == TAKE_OUTCOME && allClosed && crashes > 0 && takes(unknownOr) -> crashes--; next(); createOutcome(turn, unknownOr); enter(LIST) }; goto list
  :: d_step { step == TAKE_OUTCOME && allClosed && mayBeLate && sees(LATE, me) -> next(); lates--; lateTurn = turn; lateOutcome = unknownOr; change(); enter(LIST) }; goto list
#if BATCHES
  /* Those that may run are closed one after the other, and then all are looked at again. */
  :: d_step { step == TAKE_OUTCOME && open != 0 && takesBatch(me, UNKNOWN) && (open & nextOpen) != 0 -> i = nextOpen; next(); createBatchOutcome(turn, i, UNKNOWN); open = open & ~i; i = 0; became = 0 }; goto closes
  :: d_step { step == TAKE_OUTCOME && open != 0 && crashes > 0 && !traced -> crashes--; createBatchOutcome(turn, nextOpen, UNKNOWN); enter(LIST) }; goto list
  :: d_step { step == TAKE_OUTCOME && open != 0 && mayBeLate && sees(LATE, me) -> i = nextOpen; next(); lates--; lateTurn = turn; lateBatch = i; lateOutcome = UNKNOWN; i = 0; change(); enter(LIST) }; goto list
#endif
  :: d_step { step == RUN_AGAIN && hears(RUN) -> next(); payload = turn; enter(RUN) }; goto invoke
  :: d_step { step == RECORD && !isFull && hears(RECORD) -> next(); payload = turn; enter(RECORD) }; goto record
  :: d_step { step == HALT && hears(HALT) -> check(says(e_b, why)); payload = turn; enter(HALT) }; goto halted
  :: d_step { step == WAIT && !isFull && hears(WAIT) -> next(); enter(WAIT) }; goto wait
  :: d_step { step == REFUSE && hears(REFUSE) -> next(); status[me] = DEAD; change(); printf("%d: Refused\n", me); enter(REFUSE) }; goto ended
  :: d_step { step == FINISH && hears(FINISH) -> next(); status[me] = DONE; change(); printf("%d: Finished\n", me); enter(LIST) }; goto ended
  :: d_step { abandons(LIST) }; goto list
  :: isLeft -> goto ended
  fi;
#if BATCHES
closes:
  if
  :: atomic { open != 0 -> step = TAKE_OUTCOME; goto acts }
  :: d_step { open == 0 && sees(LOOK_BATCHES, me) -> next(); readBatches() }; goto acts
  :: d_step { abandons(LIST) }; goto list
  :: isLeft -> goto ended
  fi;
#endif
#if HANDOVERS
handedOver:
  if
  :: d_step { runs && hears(DONE) -> next(); status[me] = DONE; change(); enter(LIST) }; goto ended
  :: d_step { abandons(LIST) }; goto list
  :: d_step { !runs -> enter(LIST) }; goto ended
  fi;
#else
handedOver: skip;
#endif

  /* ---- Wait: looks again when something is new; when nothing ever is, it waits for ever */
wait:
  if
  :: atomic { runs && (traced || (changed & bitOf(me)) != 0) -> state = LIST; goto list }
  :: d_step { !runs -> inFlight[me] = false }; goto ended
  fi;

  /* ---- Run migration, or Run batches */
invoke:
  if
#ifdef TRACE
  :: d_step { runs && runsTurn && sees(INVOKE, me) && e_a == payload -> invoked[e_b] = payload; caller[e_b] = me + 1; ownCode[e_b] = e_c; next() }
  /* Its children are invoked by anybody, and what they say is heard by nobody: it goes on when it likes. */
  :: atomic { runs && !runsTurn -> state = LIST; payload = 0; goto list }
#else
  :: d_step { runs && runsTurn && invoked[0] == 0 -> invoked[0] = payload; caller[0] = me + 1; printf("%d: Run migration, turn %d\n", me, payload) }
  :: d_step { runs && runsTurn && invoked[0] != 0 && invoked[1] == 0 -> invoked[1] = payload; caller[1] = me + 1; printf("%d: Run migration, turn %d\n", me, payload) }
  :: d_step { runs && runsTurn && doubles > 0 && invoked[0] == 0 && invoked[1] == 0 -> doubles--; invoked[0] = payload; caller[0] = me + 1; invoked[1] = payload; printf("%d: Run migration, turn %d, dispatched twice\n", me, payload) }
#if BATCHES
  /* A child for each batch, as many at once as there are functions; what they answer says nothing. */
  :: d_step {
      runs && !runsTurn && sent != restOf(payload) && (invoked[0] == 0 || invoked[1] == 0) ->
      i = (invoked[0] == 0 -> 0 : 1); j = restOf(payload) & ~sent; j = j & (256 - j);
      sent = sent | j; invoked[i] = payload; asked[i] = j; caller[i] = me + 1; printf("%d: Run batch %d of turn %d\n", me, j, payload)
    }; goto invoke
  :: d_step {
      runs && !runsTurn && doubles > 0 && sent != restOf(payload) && invoked[0] == 0 && invoked[1] == 0 -> doubles--;
      j = restOf(payload) & ~sent; j = j & (256 - j); sent = sent | j;
      invoked[0] = payload; asked[0] = j; caller[0] = me + 1; invoked[1] = payload; asked[1] = j; printf("%d: Run batch %d of turn %d, dispatched twice\n", me, j, payload)
    }; goto invoke
  :: d_step { runs && !runsTurn && sent == restOf(payload) && caller[0] != me + 1 && caller[1] != me + 1 -> printf("%d: Run batches is over\n", me); enter(LIST) }; goto list
  :: d_step { runs && !runsTurn && gaveUp > 0 -> gaveUp--; forget(); printf("%d: Run batches fails\n", me); enter(LIST) }; goto list
  :: d_step { !runs && !runsTurn -> forget(); enter(RUN) }; goto ended
#endif
#endif
  :: d_step { runs && runsTurn && gaveUp > 0 && hears(ERROR) -> next(); gaveUp--; cause = ERROR; enter(HALT); printf("%d: run-migration cannot be invoked\n", me) }; goto halted
  :: d_step { !runs && (runsTurn || traced) -> inFlight[me] = false }; goto ended
  fi;
  if
  :: d_step { answer[me] == SUCCEEDED && hears(SUCCEEDED) -> next(); answer[me] = 0; enter(RECORD) }; goto record
  :: d_step { (answer[me] == MORE || answer[me] == ELSEWHERE) && hears(answer[me]) -> next(); answer[me] = 0; enter(LIST) }; goto list
  :: d_step { (answer[me] == ERROR || answer[me] == AGAIN) && hears(ERROR) -> next(); answer[me] = 0; cause = ERROR; enter(HALT) }; goto halted
  :: d_step { answer[me] == AGAIN && hears(AGAIN) -> next(); answer[me] = 0; printf("%d: Run migration again: no code has run\n", me) }; goto invoke
  :: d_step { gaveUp > 0 && (answer[me] == 0 || traced) && runs && hears(ERROR) -> next(); gaveUp--; forget(); cause = ERROR; enter(HALT); printf("%d: gives up on run-migration\n", me) }; goto halted
  :: d_step { !runs -> forget(); enter(RUN) }; goto ended
  fi;

  /* ---- Record completion */
record:
  if
  :: d_step { mayLook && sees(LOOK_RECORD, me) -> inFlight[me] = false; look(); next(); printf("%d: Record completion looks\n", me) }
  :: d_step { abandons(RECORD) }; goto record
  :: d_step { refusedRecord }; goto halted
  :: d_step { !runs -> inFlight[me] = false }; goto ended
  fi;
  if
  :: d_step { turn == payload && sees(READ, me) && readsTurn -> readTurn(); isSoon(); next(); afterKeys(decideRecord()) }
  :: d_step { abandons(RECORD) }; goto record
  :: isLeft -> goto ended
  :: d_step { refusedRecord }; goto halted
  :: turn != payload /* somebody has recorded it, or it moved on: step is 0 */
  fi;
#if BATCHES
  if
  :: d_step { step == LOOKS && sees(LOOK_BATCHES, me) -> readBatches(); next(); step = 0; q_liar = false; decideRecord() }
  :: d_step { abandons(RECORD) }; goto record
  :: isLeft -> goto ended
  :: d_step { refusedRecord }; goto halted
  :: step != LOOKS
  fi;
#endif
  if
  :: d_step { step != RECORD && turn == payload && !traced -> enter(LIST) }; goto list
  :: d_step { turn != payload -> step = 0; halt = payload; nextHalt() }
  :: d_step { step == RECORD && last == n && sees(PUT, me) -> draftCompleted(); put(); step = 0; n = 0; turn = 0; o = 0; c = 0; late = false; manifest = 0; halt = payload; nextHalt() }
  :: d_step { step == RECORD && last == n && crashes > 0 && sees(PUT, me) -> crashes--; draftCompleted(); put(); enter(RECORD); printf("%d: dies\n", me) }; goto record
  :: d_step { step == RECORD && last != n && sees(MISS, me) -> next(); enter(RECORD); inFlight[me] = !runs; printf("%d: 412\n", me) }; goto record
  :: d_step { step == RECORD && mayBeLate && sees(LATE, me) -> next(); draftCompleted(); putLate(n); enter(RECORD) }; goto record
  :: d_step { step == RECORD && denials > 0 && hears(UNRECORDED) -> next(); denials--; cause = UNRECORDED; enter(HALT); printf("%d: Record completion gets a 403\n", me) }; goto halted
  :: d_step { abandons(RECORD) }; goto record
  :: isLeft -> goto ended
  :: d_step { refusedRecord }; goto halted
  fi;
#ifndef NO_TELL_ON_RECORD
  /* Those who wait in any halt of the turn: who decided it may have been cut off before all were told. */
tellHalts:
  if
  :: d_step { halt != 0 && sees(WAITERS, me) && says(e_a, halt) -> readWaiters(halt); n = last; settledAs(halt, step); next() };
    tellInTurn(me, step)
    d_step { tellAll(step); clear(); n = 0; step = 0; accepted = false; nextHalt() };
    goto tellHalts
  :: d_step { abandons(RECORD) }; goto record
  :: isLeft -> goto ended
  :: d_step { refusedRecord }; goto halted
  :: halt == 0
  fi;
#endif
  if
  :: atomic { hears(RECORD) -> next(); clear(); enter(LIST); goto list }
  :: d_step { abandons(RECORD) }; goto record
  :: isLeft -> goto ended
  :: d_step { refusedRecord }; goto halted
  fi;

  /* ---- Halt for operator */
halted:
  if
  :: d_step { mayLook && sees(LOOK_HALT, me) -> inFlight[me] = false; tokens[me]++; token[me] = tokens[me]; told[me] = 0; look(); next(); printf("%d: Halt for operator, %e: looks\n", me, cause) }
  :: d_step { runs && denials > 0 && sees(ENDS, me) && says(e_a, FAILED) -> next(); denials--; status[me] = DEAD; excused = last; change(); printf("%d: Halt gets a 403\n", me) }; goto ended
  :: d_step { abandons(HALT) }; goto halted
  :: d_step { !runs -> inFlight[me] = false }; goto ended
  fi;
haltTurn:
  if
  :: d_step { turn == payload && sees(READ, me) && readsTurn -> readTurn(); isSoon(); next(); afterKeys(decideHalt()) }
  :: d_step { turn != payload -> step = LIST }
  :: d_step { abandons(HALT) }; goto halted
  :: isLeft -> goto ended
  fi;
#if BATCHES
  if
  :: d_step { step == LOOKS && sees(LOOK_BATCHES, me) -> readBatches(); next(); step = 0; q_liar = false; decideHalt() }
  :: d_step { abandons(HALT) }; goto halted
  :: isLeft -> goto ended
  :: step != LOOKS
  fi;
#endif
  if
  :: d_step { step == LIST && hears(LIST) -> next(); token[me] = 0; enter(LIST); printf("%d: the halt is not needed\n", me) }; goto list
  :: step == WAIT /* joins the one that is open */
  :: d_step { step == HALT && last == n && sees(PUT, me) -> draftHalted(); put(); halt = last }
  :: d_step { step == HALT && last == n && crashes > 0 && sees(PUT, me) -> crashes--; draftHalted(); put(); token[me] = 0; enter(HALT); printf("%d: dies\n", me) }; goto halted
  :: d_step { step == HALT && last != n && sees(LOOK_AGAIN, me) -> look(); next(); printf("%d: 412, looks\n", me) }; goto haltTurn
  :: d_step { step == HALT && mayBeLate && sees(LATE, me) -> next(); draftHalted(); putLate(n); token[me] = 0; enter(HALT) }; goto halted
  :: d_step { abandons(HALT) }; goto halted
  :: isLeft -> goto ended
  fi;
  if
  :: d_step { sees(LEAVE, me) && says(e_a, halt) -> next(); waiterOf(halt, me) = token[me]; printf("%d: leaves its token in halt %d\n", me, halt) }
  :: d_step { crashes > 0 && sees(LEAVE, me) && says(e_a, halt) -> next(); crashes--; waiterOf(halt, me) = token[me]; token[me] = 0; enter(HALT); printf("%d: leaves its token, dies\n", me) }; goto halted
  :: d_step { abandons(HALT) }; goto halted
  :: isLeft -> goto ended
  fi;
  if
  :: d_step {
      sees(LOOK_WAITER, me) -> next(); step = 0; n = last;
#ifndef NO_LOOK_AFTER_WAITER
      settledAs(halt, step);
#endif
#ifndef NO_NOTIFY
      notified = (halt > notified -> halt : notified)
#else
      skip
#endif
    }
  :: atomic { only(told[me] != 0) -> goto waits }
  :: d_step { abandons(HALT) }; goto halted
  :: isLeft -> goto ended
  fi;
  if
  :: d_step { step != 0 && sees(WAITERS, me) && says(e_a, halt) -> readWaiters(halt); next() };
    tellInTurn(me, step)
    d_step { tellAll(step); clear(); n = 0; step = 0; accepted = false }
#ifdef TRACE
  :: d_step { step == 0 && sees(NOTIFY, me) -> next() }
#else
  :: step == 0
#endif
  :: atomic { only(told[me] != 0) -> clear(); goto waits }
  :: d_step { abandons(HALT) }; goto halted
  :: isLeft -> goto ended
  fi;
#ifdef TRACE
  if
  :: d_step { sees(GONE, me) -> next() }
  :: atomic { told[me] != 0 -> goto waits }
  :: d_step { abandons(HALT) }; goto halted
  :: !runs
  fi;
#endif
waits: /* for its token */
  if
  :: d_step { told[me] == GO_ON && runs -> told[me] = 0; enter(LIST) }; goto list
  :: d_step { told[me] == ABORT && runs -> told[me] = 0; status[me] = DEAD; change(); enter(HALT) }; goto ended
  :: d_step { !runs -> token[me] = 0; told[me] = 0; enter(HALT) }; goto ended
  :: d_step { abandons(HALT) }; goto halted
  fi
}

/* ---------------------------------------------------------------------------------------------- an invocation of run-migration */

inline reply(as) {
  if
  :: caller[me] != 0 && isAsked(me) == 0 -> answer[caller[me] - 1] = as
  :: else
  fi;
#if BATCHES
  bounded[turn] = (mine -> bounded[turn] & ~asked[me] : bounded[turn]); mine = false; asked[me] = 0;
#endif
  caller[me] = 0; invoked[me] = 0; busyWith[turn] = false; turn = 0; result = 0; printf("   f%d: answers %e\n", me, as)
}

#define claimOf claim[invoked[me]]

#define inTime (!over[turn])
#ifdef TRACE
#define claims(as, isNew) (event == TAKE && by == function(me) && e_a == invoked[me] && e_b == as && e_c == isNew)
#define closes(as, isNew) (event == TAKE && by == function(me) && e_a == turn && e_b == as && e_c == isNew)
#define mayReturn true
#define isOther(t) voidedBy[t] = ownCode[me]
#define fits (ownCode[me] == log[invoked[me]].code)
#define mayStop true
#else
#define fits (codeOf(functions, log[invoked[me]].migration) == log[invoked[me]].code)
#define claims(as, isNew) true
#define closes(as, isNew) true
#define isOther(t) skip
#define mayReturn (log[turn].slice == SLICES)
#define mayStop (log[turn].slice < SLICES || openCancel > turn)
#endif
/* Its code is another one than the turn's; somebody has the turn. What stands there is read then, to be compared: that this may be denied
 * is in a trace alone, because in a search it is a 403 before the claim, or an invocation that Step Functions gave up. */
#define isOthers (invoked[me] != 0 && claimOf == 0 && !fits && claims(VOID, 1))
#define isClaimed (invoked[me] != 0 && (isAsked(me) == 0 || !fits) && claimOf != 0 && (claims(CLAIMED, 0) || claims(VOID, 0)))
/* It is gone, or has failed, without having done what it was about to do. */
#define isGone sees(GONE, function(me))

#if BATCHES
#ifdef TRACE
#define closedIs(answer_) (event == IS_CLOSED && by == function(me) && e_a == invoked[me] && e_b == answer_)
#define takesMine(as) (takesBatch(function(me), as) && e_b == asked[me])
#define itsBatches e_a
#define isTolerated false /* how many may fail is not in a trace: it closes its turn, or ends */
#define seesCancel() cancelled = (openTurn == turn && openCancel != 0)
#define isCancelled (openTurn == turn && openCancel != 0)
#define mayClaim !cancelled
#else
#define closedIs(answer_) true
#define takesMine(as) true
#define itsBatches ALL_BATCHES
#define isTolerated (TOLERATED && (failed[turn] & (failed[turn] - 1)) == 0)
#define seesCancel() skip
#define isCancelled (openTurn == turn && openCancel != 0)
#define mayClaim true
#endif
#define isBroken (result == FAILED || result == SLOWED) /* it closes its turn */
#ifdef FAILED_IS_SLOWED
#define FAILED_AS SLOWED
#else
#define FAILED_AS FAILED
#endif
#ifdef NO_LOOK_AFTER_BATCH_CLAIM
#define LOOKS_NOT true
#else
#define LOOKS_NOT false
#endif
#endif

proctype RunMigration(byte me) {
  byte turn; mtype result; bool otherCode;
#if BATCHES
  bool mine; /* it has claimed its batch before the turn was closed: it ends before the deadline */
#ifdef TRACE
  bool cancelled; /* when it looked */
#endif
#endif
  /* Its entry and what that rests on never change, so it reads them in the step of the claim. */
idle:
  if
  :: d_step { invoked[me] != 0 && isAsked(me) == 0 && claimOf == 0 && fits && claims(CLAIMED, 1) -> next(); turn = invoked[me]; createClaim(turn, CLAIMED); busyWith[turn] = true }
#ifdef NO_CODE_CHECK
  :: d_step { invoked[me] != 0 && claimOf == 0 && !fits -> turn = invoked[me]; createClaim(turn, CLAIMED); otherCode = true; busyWith[turn] = true }
#else
  :: d_step { isOthers -> next(); turn = invoked[me]; createClaim(turn, VOID); isOther(turn); reply(ELSEWHERE) }; goto idle
  :: d_step { only(isOthers) -> next(); turn = invoked[me]; createClaim(turn, VOID); isOther(turn); reply(AGAIN) }; goto idle
#endif
#ifdef NO_CLAIM
  :: d_step { invoked[me] != 0 && isAsked(me) == 0 && claimOf == CLAIMED -> turn = invoked[me]; busyWith[turn] = true }
#else
  :: d_step { isClaimed -> next(); reply(ELSEWHERE) }; goto idle
  :: d_step { only(isClaimed) -> next(); reply(AGAIN) }; goto idle
#endif
  :: d_step { invoked[me] != 0 && isAsked(me) == 0 && mayBeLate && sees(LATE, function(me)) -> next(); lates--; lateTurn = invoked[me]; lateClaim = CLAIMED; reply(AGAIN) }; goto idle
#if BATCHES
  /* Is the turn closed? */
  :: d_step { invoked[me] != 0 && isAsked(me) != 0 && fits && claimOf != 0 && closedIs(1) -> next(); reply(ELSEWHERE) }; goto idle
  :: d_step { invoked[me] != 0 && isAsked(me) != 0 && fits && claimOf == 0 && closedIs(0) -> next(); turn = invoked[me]; seesCancel() }; goto batch
#endif
  :: d_step { invoked[me] != 0 && denials > 0 && isGone -> next(); denials--; reply(AGAIN) }; goto idle
  fi;
  if /* the answer to its claim may be lost: then it fails, is invoked again, and finds the claim */
  :: d_step { inTime && sees(CODE_STARTS, function(me)) -> next(); assert(!otherCode); userCodeStarts(turn); printf("   f%d: user code of turn %d\n", me, turn) }
  /* Its checkpoint says when it goes on, and no turn has stopped there: it does, and none of its code runs. A search has no times. */
  :: d_step { inTime && only((event == TAKE || event == LATE) && by == function(me)) -> result = STOPPED }; goto outcome_
  :: d_step { inTime && crashes > 0 && isGone -> next(); crashes--; printf("   f%d: dies\n", me); reply(AGAIN) }; goto idle
  :: d_step { !inTime && isGone -> next(); reply(AGAIN) }; goto idle
  fi;
userCode:
  if
#ifdef TRACE
  :: d_step { sees(SEALS, function(me)) -> planned[log[turn].migration] = e_a; next() }; goto userCode
#endif
  :: d_step { inTime && mayReturn && sees(CODE_ENDS, function(me)) && says(e_a, RETURNED) -> next(); running = 0; result = SUCCEEDED; returned[turn] = true }
  :: d_step { inTime && mayStop && sees(CODE_ENDS, function(me)) && !only(e_a == RETURNED) -> next(); running = 0; result = STOPPED }
  :: d_step { inTime && fails > 0 && sees(CODE_ENDS, function(me)) -> next(); fails--; running = 0; result = FAILED }
  :: d_step { inTime && crashes > 0 && isGone -> next(); crashes--; running = 0; printf("   f%d: dies\n", me); reply(ERROR) }; goto idle
  :: d_step { !inTime && isGone -> next(); reply(ERROR) }; goto idle
#if SPOILS
  :: d_step { inTime && spoils > 0 && outcome[turn] == 0 -> spoils--; outcome[turn] = SPOILED; change(); printf("   f%d: spoils its outcome\n", me) }; goto userCode
  :: d_step { inTime && spoils > 0 && last + 1 <= LOG -> spoils--; claim[last + 1] = SPOILED; printf("   f%d: spoils claim %d\n", me, last + 1) }; goto userCode
  :: d_step { inTime && spoils > 0 && last + 3 <= LOG -> spoils--; claim[last + 3] = SPOILED; printf("   f%d: spoils claim %d\n", me, last + 3) }; goto userCode
#endif
  fi;
#if BATCHES
  /* Its plan is at its end: it is sealed, and the batches come in a turn of theirs. */
seals:
  if
  :: d_step { inTime && result == SUCCEEDED && sees(SEALS, function(me)) -> planned[log[turn].migration] = itsBatches; next(); result = (planned[log[turn].migration] != 0 -> STOPPED : result); printf("   f%d: the plan of %d is sealed\n", me, turn) }
  :: d_step { only(sees(SEALS, function(me))) && result != SUCCEEDED -> planned[log[turn].migration] = itsBatches; next() }; goto seals
  :: traced || result != SUCCEEDED || !inTime
  fi;
#endif
outcome_:
  if
  :: d_step {
      inTime && outcome[turn] == 0 && closes(result, 1) -> next(); createOutcome(turn, result);
      if
      :: result == SUCCEEDED -> reply(SUCCEEDED)
      :: result == STOPPED -> reply(MORE)
      :: else -> reply(ERROR)
      fi
    }
  :: d_step { inTime && outcome[turn] == 0 && crashes > 0 && closes(result, 1) -> next(); crashes--; createOutcome(turn, result); printf("   f%d: dies\n", me); reply(ERROR) }
  :: d_step { inTime && outcome[turn] != 0 && closes(result, 0) -> next(); reply(ELSEWHERE) }
  :: d_step { inTime && mayBeLate && sees(LATE, function(me)) -> next(); lates--; lateTurn = turn; lateOutcome = result; reply(ERROR) }
  :: d_step { inTime && denials > 0 && isGone -> next(); denials--; printf("   f%d: gets a 403\n", me); reply(ERROR) }
  :: d_step { !inTime && isGone -> next(); reply(ERROR) }
  fi;
  goto idle;
#if BATCHES
batch: /* its turn was open; whether it was cancelled is read of the log in that step */
  if
  :: d_step { isCancelled && claims(VOID, claimOf == 0) -> next(); createClaim(turn, VOID); reply(ELSEWHERE) }; goto idle
#ifdef NO_BATCH_CLAIM
  :: d_step { begun[turn] = begun[turn] | asked[me]; mine = (claimOf == 0); bounded[turn] = (mine -> bounded[turn] | asked[me] : bounded[turn]); change() }
#else
  :: d_step { mayClaim && (begun[turn] & asked[me]) == 0 && takesMine(CLAIMED) -> next(); begun[turn] = begun[turn] | asked[me]; mine = (claimOf == 0); bounded[turn] = (mine -> bounded[turn] | asked[me] : bounded[turn]); change(); printf("      claim of batch %d of %d\n", asked[me], turn) }
  :: d_step { mayClaim && (begun[turn] & asked[me]) != 0 && takesMine(CLAIMED) -> next(); reply(ELSEWHERE) }; goto idle
#endif
  :: d_step { mayBeLate && sees(LATE, function(me)) -> next(); lates--; lateTurn = turn; lateBatch = asked[me]; lateClaim = CLAIMED; reply(AGAIN) }; goto idle
  :: d_step { denials > 0 && isGone -> next(); denials--; reply(AGAIN) }; goto idle
  fi;
  if /* is it closed by now? */
#ifndef NO_LOOK_AFTER_BATCH_CLAIM
  :: d_step { claim[turn] != 0 && closedIs(1) -> next(); result = NOT_BEGUN }; goto batchOver
#endif
  :: d_step { (claim[turn] == 0 || LOOKS_NOT) && closedIs(0) -> next() }
  :: d_step { crashes > 0 && isGone -> next(); crashes--; printf("   f%d: dies\n", me); reply(AGAIN) }; goto idle
  :: d_step { !inTime && isGone -> next(); reply(AGAIN) }; goto idle
  fi;
  if
  :: d_step { inTime && sees(CODE_STARTS, function(me)) -> next(); assert(!otherCode); batchStarts(turn, asked[me]); printf("   f%d: user code of batch %d of turn %d\n", me, asked[me], turn) }
  :: d_step { only(sees(TAKE_BATCH, function(me))) -> result = FAILED }; goto batchOver /* what it is made of could not be read */
  :: d_step { crashes > 0 && isGone -> next(); crashes--; printf("   f%d: dies\n", me); reply(AGAIN) }; goto idle
  :: d_step { !inTime && isGone -> next(); reply(AGAIN) }; goto idle
  fi;
  if
  :: d_step { inTime && sees(CODE_ENDS, function(me)) && says(e_a, RETURNED) -> next(); batchStops(asked[me]); result = SUCCEEDED }
  :: d_step { inTime && fails > 0 && sees(CODE_ENDS, function(me)) && !only(e_a == RETURNED || e_a == SLOWED) -> next(); fails--; batchStops(asked[me]); result = FAILED_AS }
  :: d_step { inTime && slows > 0 && sees(CODE_ENDS, function(me)) && says(e_a, SLOWED) -> next(); slows--; batchStops(asked[me]); wasSlowed[turn] = wasSlowed[turn] | asked[me]; result = SLOWED }
  :: d_step { inTime && crashes > 0 && isGone -> next(); crashes--; batchStops(asked[me]); printf("   f%d: dies\n", me); reply(ERROR) }; goto idle
  :: d_step { !inTime && isGone -> next(); reply(ERROR) }; goto idle
  fi;
batchOver:
  if
  :: d_step { (inTime || result == NOT_BEGUN) && takesMine(result) -> next(); createBatchOutcome(turn, asked[me], result) }
  :: d_step { crashes > 0 && isGone -> next(); crashes--; reply(ERROR) }; goto idle
  :: d_step { mayBeLate && sees(LATE, function(me)) -> next(); lates--; lateTurn = turn; lateBatch = asked[me]; lateOutcome = result; reply(ERROR) }; goto idle
  :: d_step { denials > 0 && isGone -> next(); denials--; reply(ERROR) }; goto idle
  :: d_step { !inTime && isGone -> next(); reply(ERROR) }; goto idle
  fi;
  if
  :: d_step { !isBroken || (result == FAILED && isTolerated) -> reply(ELSEWHERE) }
  :: d_step { isBroken && (result == SLOWED || !isTolerated) && (inTime || traced) && closes(VOID, claim[turn] == 0) -> next(); createClaim(turn, VOID); reply(ELSEWHERE) }
  :: d_step { isBroken && crashes > 0 && isGone -> next(); crashes--; reply(ERROR) }
  :: d_step { isBroken && mayBeLate && sees(LATE, function(me)) -> next(); lates--; lateTurn = turn; lateClaim = VOID; reply(ERROR) }
  :: d_step { isBroken && (denials > 0 || traced) && isGone -> next(); denials = (traced -> denials : denials - 1); reply(ERROR) }
  :: d_step { isBroken && !inTime && isGone -> next(); reply(ERROR) }
  fi;
  goto idle
#endif
}

/* ---------------------------------------------------------------------------------------------- people */

/* A person hears of a halt and calls `resume`, which looks: one step, because what changes between the two shows as a 412. */
inline resume(decision, bit_) {
  decisions > 0 && openHalt != 0 && (EAGER || notified == openHalt) && (SAY & bit_) != 0 && sees(SAYS, person(me)) && says(e_b, decision) && says(e_c, openHalt) ->
  nonce = decisions; decisions--; halt = openHalt; say = decision; n = last; manifest = seenManifest; as = 0; next();
  printf("   p%d: resume %e of halt %d looks\n", me, say, halt)
}

inline draftDecision() {
  fold(n);
  draft(DECIDED, log[f_turn].migration, log[f_turn].attempt, nonce, say, halt, me, 0);
  if
  :: say == RETRY -> d_code = codeOf(manifest, log[f_turn].migration)
  :: else
  fi
}

/* Who answers halts with `resume`. */
proctype Person(byte me) {
  byte n, manifest, halt, nonce, decided, seen[EXECUTIONS]; mtype say, as; bool mine, delivered, accepted;
idle:
  if
  :: d_step { resume(RETRY, 1) }
  :: d_step { resume(MARK, 2) }
  :: d_step { resume(SKIP, 4) }
  :: d_step { resume(ABORT, 8) }
  fi;
#ifdef WAITERS_BEFORE_DECISION
  d_step { readWaiters(halt) };
#endif
append:
  if
  :: d_step { as == 0 && last == n && sees(PUT, person(me)) -> draftDecision(); put(); mine = true; as = (say == ABORT -> ABORT : GO_ON) }
#ifdef APPEND_WITHOUT_LOOK
  :: d_step { as == 0 && last != n -> draftDecision(); put(); mine = true; as = (say == ABORT -> ABORT : GO_ON) }
#else
  :: d_step { as == 0 && last != n && sees(LOOK_AGAIN, person(me)) -> n = last; manifest = seenManifest; next(); settledAs(halt, as); printf("   p%d: 412, looks\n", me) }; goto append
#endif
  :: d_step { as == 0 && last == n && crashes > 0 && sees(PUT, person(me)) -> crashes--; draftDecision(); put(); printf("   p%d: resume dies\n", me) }; goto died
  :: d_step { as == 0 && mayBeLate && sees(LATE, person(me)) -> next(); draftDecision(); putLate(n) }; goto died
  :: atomic { only(sees(GONE, person(me)) && e_a != ANSWERED) -> goto done }
#ifdef NO_NONCE
  :: d_step { as == 0 && last == n && lost > 0 -> lost--; draftDecision(); put(); n = last; settledAs(halt, as); printf("   p%d: 412 of its own entry\n", me) }; goto append
#endif
  :: as != 0
  fi;
  if
  :: d_step {
      sees(WAITERS, person(me)) && says(e_a, halt) -> next();
      /* 8: the first decision counts, and only who made it is told so. */
      decided = 0; j = 1;
      do
      :: j > last -> break
      :: else ->
        if
        :: log[j].kind == DECIDED && log[j].what != CANCEL && log[j].about == halt -> assert(decided == 0); decided = j
        :: else
        fi;
        j++
      od;
      assert(mine == (decided != 0 && log[decided].slice == nonce))
#ifndef WAITERS_BEFORE_DECISION
      ; readWaiters(halt)
#endif
    }
  :: atomic { only(sees(GONE, person(me)) && (e_a == FAILED_ || (e_a == REFUSED && !mine))) -> goto done }
  fi;
  tellInTurn(person(me), as)
  d_step {
    tellAll(as); clear(); delivered = (accepted || as == ABORT || decided == 0); accepted = false; fold(n); i = 0;
    do /* who only says it again leaves it to one that lives, or to the run that has gone on from it */
    :: mine || delivered || i >= EXECUTIONS -> break
    :: else -> delivered = (f_decided != decided || (waiterOf(halt, i) != 0 && status[i] == RUNNING)); i++
    od;
    i = 0
  };
  if
  :: delivered
#ifdef NO_START
  :: !delivered
#else
  :: d_step { !delivered && sees(CARRY_ON, person(me)) -> carryOn(decided, NOBODY, runOfHalt(decided)) }
#endif
  :: atomic { only(sees(GONE, person(me)) && (e_a == FAILED_ || (e_a == REFUSED && !mine))) -> goto done }
  fi;
  goto done;
died:
  if
  :: !only(sees(GONE, person(me)) && e_a == ANSWERED) -> skip
  fi;
done:
  if
  :: d_step { sees(GONE, person(me)) -> next(); n = 0; manifest = 0; halt = 0; nonce = 0; decided = 0; say = 0; as = 0; mine = false; delivered = false; accepted = false; clear() }
  fi;
  goto idle
}

/* Who asks the open turn to stop at its next checkpoint. */
proctype Canceller(byte me) {
  byte n, turn;
looks:
  if
  :: d_step { openTurn != 0 && openCancel == 0 && sees(SAYS, person(me)) && says(e_b, CANCEL) -> next(); n = last; turn = openTurn }
  fi;
again:
  if
  :: d_step { last == n && sees(PUT, person(me)) -> draft(DECIDED, log[turn].migration, log[turn].attempt, 0, CANCEL, turn, 0, 0); put() }
  :: d_step { mayBeLate && sees(LATE, person(me)) -> next(); draft(DECIDED, log[turn].migration, log[turn].attempt, 0, CANCEL, turn, 0, 0); putLate(n) }
  :: d_step { last != n && openTurn != 0 && openCancel == 0 && sees(LOOK_AGAIN, person(me)) -> next(); n = last; turn = openTurn }; goto again
  :: d_step { only(last != n && !(openTurn != 0 && openCancel == 0) && sees(LOOK_AGAIN, person(me))) -> next() } /* nothing is left to be asked */
  :: last != n && !(openTurn != 0 && openCancel == 0) && !traced -> goto looks
  :: atomic { only(sees(GONE, person(me))) -> next(); goto looks }
  fi;
  if
  :: atomic { only(sees(GONE, person(me))) -> next(); goto looks }
  fi
}

/* Who says that the lowest id was done before there was a ledger. */
proctype Baseliner(byte me) {
  byte n; bool refused;
looks:
  if
  :: d_step { sees(SAYS, person(me)) && says(e_b, BASELINE) -> next(); n = last; fold(n); refused = (f_turn != 0 || (f_known & bitOf(1)) != 0) }
  fi;
#ifdef BASELINE_IGNORES_TURN
  d_step { refused = (f_known & bitOf(1)) != 0 && f_turn == 0 };
#endif
appends:
  if
  :: refused
  :: d_step { !refused && last == n && sees(PUT, person(me)) -> draft(COMPLETED, 1, 0, 0, BASELINE, 0, 0, 0); put() }
  :: d_step { only(last != n && sees(LOOK_AGAIN, person(me))) -> next(); n = last; fold(n); refused = (f_turn != 0 || (f_known & bitOf(1)) != 0) }; goto appends
  :: only(sees(GONE, person(me)) && e_a != ANSWERED)
#ifdef APPEND_WITHOUT_LOOK
  :: d_step { !refused && last != n -> draft(COMPLETED, 1, 0, 0, BASELINE, 0, 0, 0); put() }
#else
  :: !refused && last != n && !traced -> goto looks
#endif
  fi;
  if
  :: atomic { only(sees(GONE, person(me))) -> next(); goto looks }
  fi
}

/* A deployment: list-pending's manifest and the functions change one after the other. */
proctype Deployment() {
  if
  :: d_step { deployed = DEPLOY; change(); printf("a deployment: the manifest\n") }; d_step { functions = DEPLOY; change(); printf("a deployment: the functions\n") }
  :: d_step { functions = DEPLOY; change(); printf("a deployment: the functions\n") }; d_step { deployed = DEPLOY; change(); printf("a deployment: the manifest\n") }
  fi
}

/* ---------------------------------------------------------------------------------------------- time, the network, faults */

#ifdef TRACE
#define passes (event == PASSES && e_a == openTurn)
#else
#define passes true
#endif
#ifdef CLOCK_READ_AFTER
#define clockMatters true
#else
#define clockMatters !isKnown(outcome[openTurn]) /* otherwise nobody asks for it */
#endif

#if BATCHES
#define isWaitedFor (openIn(openTurn) != 0)
#define isBusy (busyWith[openTurn] || bounded[openTurn] != 0)
#define endBatches() batchRuns = 0
#else
#define isWaitedFor false
#define isBusy busyWith[openTurn]
#define endBatches() skip
#endif

/* The deadline of the open turn passes. A function that still runs was ended before it. */
proctype Clock() {
  do
  :: d_step {
      openTurn != 0 && claim[openTurn] != 0 && (claim[openTurn] != VOID || isWaitedFor) && !over[openTurn] && (!isBusy || hangs > 0) && clockMatters && passes -> next();
      if
      :: isBusy -> hangs--; running = (running == openTurn -> 0 : running); endBatches()
      :: else
      fi;
      over[openTurn] = true; change(); printf("the deadline of turn %d passes\n", openTurn)
    }
  od
}

#if BATCHES
#define isOfTurn lateBatch == 0
#else
#define isOfTurn true
#endif

/* A request takes effect whose caller has died, if it still can. */
proctype Network() {
  do
  :: d_step {
      lateNumber != 0 && sees(EFFECT, NETWORK) ->
      printf("a late request for log/%d\n", lateNumber);
      if
      :: lateNumber == last + 1 ->
        draft(lateEntry.kind, lateEntry.migration, lateEntry.attempt, lateEntry.slice, lateEntry.what, lateEntry.about, lateEntry.who, lateEntry.code);
#if BATCHES
        d_rest = lateEntry.rest; lateEntry.rest = 0;
#endif
        put()
      :: else -> check(e_a == 0)
      fi;
      lateNumber = 0; lateEntry.kind = 0; lateEntry.migration = 0; lateEntry.attempt = 0; lateEntry.slice = 0; lateEntry.what = 0;
      lateEntry.about = 0; lateEntry.who = 0; lateEntry.code = 0
    }
#if BATCHES
  :: d_step {
      lateTurn != 0 && lateBatch != 0 && sees(EFFECT, NETWORK) && says(e_a, (lateClaim != 0 && (begun[lateTurn] & lateBatch) == 0) || (lateClaim == 0 && !hasOutcome(lateTurn, lateBatch))) -> next();
      printf("a late request for batch %d of turn %d\n", lateBatch, lateTurn);
      if
      :: lateClaim != 0 && (begun[lateTurn] & lateBatch) == 0 -> begun[lateTurn] = begun[lateTurn] | lateBatch; change()
      :: lateClaim != 0 && (begun[lateTurn] & lateBatch) != 0
      :: lateClaim == 0 -> createBatchOutcome(lateTurn, lateBatch, lateOutcome)
      fi;
      lateTurn = 0; lateBatch = 0; lateClaim = 0; lateOutcome = 0
    }
#endif
  :: d_step {
      lateTurn != 0 && isOfTurn && sees(EFFECT, NETWORK) && says(e_a, (lateClaim != 0 && claim[lateTurn] == 0) || (lateClaim == 0 && outcome[lateTurn] == 0)) -> next();
      printf("a late request for turn %d\n", lateTurn);
      if
      :: lateClaim != 0 -> createClaim(lateTurn, lateClaim)
      :: else -> createOutcome(lateTurn, lateOutcome)
      fi;
      lateTurn = 0; lateClaim = 0; lateOutcome = 0
    }
  od
}

/* Executions are stopped from outside. */
proctype Operator(byte e) {
  do
  :: d_step { stops > 0 && status[e] == RUNNING -> stops--; status[e] = DEAD; inFlight[e] = true; excused = last; change(); printf("%d is stopped\n", e) }
  od
}

/* ---------------------------------------------------------------------------------------------- at rest */

hidden byte busy;

/* When nobody else can go on. First the watch, with WATCH: it tells those who wait in a settled halt; then the invariants 6 and 7. */
proctype Rest() {
  byte e, h, n; mtype as; bool rested;
  do
  :: d_step {
    !rested && timeout ->
    busy = false; e = 0; h = 0; as = 0; n = last;
#if WATCH
    do
    :: e >= EXECUTIONS -> break
    :: else ->
      h = 1;
      do
      :: h > last -> break
      :: else ->
        if
        :: log[h].kind == HALTED && token[e] != 0 && waiterOf(h, e) == token[e] && status[e] == RUNNING ->
          settledAs(h, as);
          if
          :: as != 0 -> token[e] = 0; told[e] = as; busy = true; printf("the watch tells %d: %e\n", e, as)
          :: else
          fi
        :: else
        fi;
        h++
      od;
      e++
    od;
    fold(last);
    if
    :: WATCH == 1 && !busy && f_decided > served && log[f_decided].what != ABORT -> h = f_decided; startNamed(nameOf(h, 1), runOfHalt(h)); busy = true
    :: else
    fi;
#endif
    if
    :: busy -> skip
    :: else ->
      fold(last); e = 0; ok = (f_turn == 0 || f_halt != 0); /* ok: an open turn has a halt, or an execution has failed */
      do
      :: e >= EXECUTIONS -> break
      :: else ->
        if
        :: status[e] == RUNNING ->
          /* 7: it waits for a person, who can be told by whom, and who can answer. */
          assert(f_halt != 0 && f_decided == 0);
          assert(token[e] != 0 && waiterOf(f_halt, e) == token[e]);
          assert(notified == f_halt) /* 6 */
        :: status[e] == DEAD -> ok = true
        :: else
        fi;
        e++
      od;
      assert(ok); /* 6: no failure is silent */
      assert(f_decided == 0 || log[f_decided].what == ABORT || f_decided <= served || f_decided <= excused); /* 7: somebody acts on a decision */
#ifdef REACH_DONE
      assert(f_turn != 0 || (f_done & bitOf(MIGRATIONS)) == 0) /* no invariant: that it breaks shows that runs come to their end */
#endif
    fi;
    e = 0; h = 0; as = 0; n = 0; rested = !busy
  }
  od
}

#ifdef TRACE
/* What the model has at rest or at the beginning, and a trace at any time: starts, stops, the watch, invocations that nobody waits for. */
proctype World() {
  byte h, n; mtype as; bool accepted;
  do
  :: d_step { event == START -> i = by; status[i] = RUNNING; runOf[i] = i; next() }
  :: d_step { event == ENDS && e_a == STOPPED -> status[by] = (status[by] == RUNNING -> DEAD : status[by]); inFlight[by] = true; next() }
  :: d_step { event == INVOKE && by == WATCHES -> invoked[e_b] = e_a; caller[e_b] = 0; ownCode[e_b] = e_c; asked[e_b] = (e_d == 255 -> 0 : e_d); next() }
  :: d_step { event == SEALS && by == NETWORK -> planned[log[e_b].migration] = e_a; next() }
  :: d_step {
      event == TELL && by == WATCHES -> h = e_d; n = last; settledAs(h, as);
      if
      :: e_c == NO_EFFECT -> next()
      :: e_c != NO_EFFECT && as == e_b && e_c == isWaiting(e_a, waiterOf(h, e_a)) -> i = e_a; tellOne(i, waiterOf(h, i), as); next()
      :: else -> event = STUCK
      fi;
      h = 0; as = 0; n = 0; accepted = false
    }
  :: d_step { event == CARRY_ON && by == WATCHES && log[e_a].kind == DECIDED && log[e_a].what != ABORT -> h = e_a; carryOn(h, NOBODY, runOfHalt(h)); h = 0 }
  od
}

init {
  atomic {
    changed = 255; i = 0;
    do
    :: i >= EXECUTIONS -> break
    :: else -> run Execution(i); i++
    od;
    i = 0;
    do
    :: i >= INVOCATIONS -> break
    :: else -> run RunMigration(i); i++
    od;
    run Person(0); run Person(1); run Person(2); run Canceller(3); run Canceller(4); run Baseliner(5); run Clock(); run Network(); run World();
    c_code { BEGIN(); }
  }
}
#else
init {
  atomic {
    status[0] = RUNNING; changed = 255;
    run Execution(0); 
#if EXECUTIONS > 1
    run Execution(1);
#endif
#if EXECUTIONS > 2
    run Execution(2);
#endif
#if EXECUTIONS > 3
    run Execution(3);
#endif
    run RunMigration(0); run RunMigration(1);
    run Person(0);
#if PEOPLE > 1
    run Person(1);
#endif
#if CANCELS
    run Canceller(0);
#endif
#if BASELINES
    run Baseliner(0);
#endif
#if DEPLOY != 255
    run Deployment();
#endif
    run Clock();
#if LATES
    run Network();
#endif
#if STOPS
    run Operator(0);
#if EXECUTIONS > 1
    run Operator(1);
#endif
#endif
    run Rest()
  }
}
#endif
