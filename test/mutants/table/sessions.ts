/** Mutants of the sessions: support, grants, accounts, rounds, and the length of a lease (R10, R13, R18, R58-R60, R64, R71). */
import { ANY, killedBy, type Mutant, patch } from '../mutant'

const BACKING = 'a lease is backed by promises'

export const SESSIONS: readonly Mutant[] = [
  {
    id: 'R10 arrival',
    does: 'counts a promise from the arrival of the answer, not from the sending of the question',
    patches: [
      patch(
        'core/sessions',
        'const until = round.sentAt + leaseLength(',
        'const until = turn.now + leaseLength(',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'mutants/directed',
      'R10: with an own round that is newer than the answered one the lease still ends D after the older sending',
    ),
  },
  {
    id: 'R13 drift',
    does: 'takes nothing off a promise for the rates of the two clocks',
    patches: [patch('core/numbers', '(promiseMs * (1 - rho)) / (1 + rho) - deltaMs', 'promiseMs - deltaMs')],
    swarm: { profile: 'extreme' },
    test: killedBy('paper/lease', 'R13: D shrinks by both clocks’ rates and the resolution'),
  },
  {
    id: 'R13 half drift',
    does: 'takes the rate of one clock off a promise, not of both',
    patches: [
      patch(
        'core/numbers',
        '(promiseMs * (1 - rho)) / (1 + rho) - deltaMs',
        'promiseMs * (1 - rho) - deltaMs',
      ),
    ],
    swarm: { profile: 'extreme' },
    test: killedBy('paper/lease', 'R13: D shrinks by both clocks’ rates and the resolution'),
  },
  {
    id: 'R13 resolution',
    does: 'takes nothing off a promise for the resolution of the clock',
    patches: [patch('core/numbers', '(1 + rho) - deltaMs', '(1 + rho)')],
    swarm: null,
    test: killedBy('paper/lease', 'R13: D shrinks by both clocks’ rates and the resolution'),
  },
  {
    id: 'R13 quorum',
    does: 'lets a lease last as long as one voter less than a quorum promised',
    patches: [
      patch(
        'core/quorum',
        'descending[quorumOf(voters.length) - 1] ??',
        'descending[Math.max(0, quorumOf(voters.length) - 2)] ??',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/lease',
      'R13: the lease is the q-th largest over the voters, oneself included; who is not bound counts nothing',
    ),
  },
  {
    id: 'R13 own voter',
    does: 'counts the own voter for ever, however long the process did not get to its timers',
    patches: [
      patch('core/sessions', 'return state.ownRoundAt + leaseLength(', 'return Infinity + leaseLength('),
    ],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'R13: who is alone is valid for D after its own last round, not for ever',
    ),
  },
  {
    id: 'R18 own D',
    does: 'supports for the D of the voter, not for the one in the heartbeat',
    patches: [
      patch(
        'core/sessions',
        'Math.max(support.until, now + heartbeat.promiseMs)',
        'Math.max(support.until, now + config.timing.promiseMs)',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/sessions',
      'R58: support ends at now + D, D from the message, and a shorter D never shortens it',
    ),
  },
  {
    id: 'R18 shorter D',
    does: 'lets a heartbeat with a shorter D shorten a promise that was given',
    patches: [
      patch(
        'core/sessions',
        'Math.max(support.until, now + heartbeat.promiseMs)',
        'now + heartbeat.promiseMs',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R58: support ends at now + D, D from the message, and a shorter D never shortens it',
    ),
  },
  {
    id: 'R18 own rates',
    does: 'computes with its own clock bounds, whatever the other end said of its clock',
    patches: [
      patch('core/step', 'Math.max(config.timing.rho, input.rho)', 'config.timing.rho'),
      patch('core/step', 'Math.max(config.timing.deltaMs, input.deltaMs)', 'config.timing.deltaMs'),
    ],
    swarm: null,
    test: killedBy('paper/lease', 'R18: the larger rate bound and resolution of both ends count'),
  },
  {
    id: 'R18 bounds',
    does: 'promises whatever D is asked for',
    patches: [
      patch(
        'core/sessions',
        'if (promiseMs >= minPromiseMs && promiseMs <= maxPromiseMs) return true',
        'if (promiseMs <= Infinity) return true',
      ),
    ],
    swarm: null,
    test: killedBy('paper/lease', 'R18: a D outside the bounds of the voter is refused and reported'),
  },
  {
    id: 'R18 longest promise',
    does: 'does not make the longest promise durable when it grows',
    patches: [
      patch('core/sessions', 'if (heartbeat.promiseMs > state.maxPromiseMs) {', 'if (promiseGrows()) {'),
      patch(
        'core/sessions',
        'function acceptsPromise(',
        'const promiseGrows = () => false\nfunction acceptsPromise(',
      ),
    ],
    swarm: ANY,
    test: killedBy('paper/lease', 'R18: the longest promise is persisted when it grows, and only then'),
  },
  {
    id: 'R58 own grant',
    does: 'uses the numbers of grants again after a restart',
    patches: [patch('core/sessions', '{config.incarnation}.', '{1}.')],
    swarm: { profile: 'restarts', ignore: [BACKING] },
    test: killedBy(
      'paper/sessions',
      'R58: a grant is never used twice, not by another pair, not after a restart of either side',
    ),
  },
  {
    id: 'R58 old round',
    does: 'lets a heartbeat renew that a later one has overtaken, or that is replayed',
    patches: [patch('core/sessions', 'heartbeat.round > support.lastRound &&', '')],
    swarm: null,
    test: killedBy('paper/sessions', 'R58: an old frame starts nothing and extends nothing'),
  },
  {
    id: 'R58 probe',
    does: 'lets a probe renew',
    patches: [patch('core/sessions', '!heartbeat.probe &&', '')],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R58: a frame renews iff it is no probe and its round is above the last that renewed',
    ),
  },
  {
    id: 'R58 renewed',
    does: 'answers every heartbeat and probe as if it had renewed',
    patches: [
      patch(
        'core/sessions',
        'grant: support.grant, renewed: renews }',
        'grant: support.grant, renewed: true }',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'core/schedules',
      'V1: the answer to a probe is not counted, so a lease does not outlive the support behind it',
    ),
  },
  {
    id: 'R59 resumed',
    does: 'resumes a grant that has run out with the next heartbeat',
    patches: [
      patch('core/sessions', '  support.grant = null\n', "  if (how !== 'lapse') support.grant = null\n"),
    ],
    swarm: ANY,
    test: killedBy('core/schedules', 'R59: a heartbeat after the lapse does not resume grant 1'),
  },
  {
    id: 'R59 by timer',
    does: 'lets a grant run out by a timer only: a heartbeat that comes before the timer revives it',
    patches: [
      patch(
        'core/sessions',
        "if (support.grant !== null && now >= support.until) endSupport(turn, support, 'lapse')\n  const renews",
        'const renews',
      ),
    ],
    swarm: null,
    test: killedBy('core/schedules', 'R59: one microsecond late is late, whether or not a timer saw it'),
  },
  {
    id: 'R59 on read',
    does: 'takes a grant for standing until a timer says that it ran out',
    patches: [
      patch(
        'core/sessions',
        'return turn.now < support.until ? support.grant : null',
        'return support.grant',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R59: run-out is judged on the reading: at the very end of the support nothing stands any more',
    ),
  },
  {
    id: 'R60 renewed',
    does: 'counts answers to frames that renewed nothing',
    patches: [
      patch(
        'core/sessions',
        'if (!ack.renewed || ack.grant === null || !isCurrent) return',
        'if (ack.grant === null) return',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'core/schedules',
      'V1: the answer to a probe is not counted, so a lease does not outlive the support behind it',
    ),
  },
  {
    id: 'R60 grant',
    does: 'counts a voter whatever grant its promise was made under',
    patches: [
      patch(
        'core/sessions',
        '?.untilByGrant.get(grant) ?? Number.NEGATIVE_INFINITY',
        '?.untilByGrant.size ? Math.max(...(state.accounts.get(voter)?.untilByGrant.values() ?? [])) : Number.NEGATIVE_INFINITY',
      ),
    ],
    swarm: null,
    test: killedBy('core/schedules', 'R60: an ack under grant 2 does not win by a vote under grant 1'),
  },
  {
    id: 'R64 two-way',
    does: 'renews its sessions at voters that it does not hear',
    patches: [
      patch(
        'core/sessions',
        'return turn.now - account.lastAnsweredSend < turn.state.promiseMs',
        'return account.lastAnsweredSend <= turn.now',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R64: after D without an answer a holder only probes, and renews again once it is answered',
    ),
  },
  {
    id: 'R64 sending',
    does: 'counts a voter as answering from the arrival of its answer, however old the question',
    patches: [
      patch(
        'core/sessions',
        'noteAnswer(turn, from, account, round.sentAt)',
        'noteAnswer(turn, from, account, turn.now)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R64: answering an old frame late does not count as answering a new one',
    ),
  },
  {
    id: 'R71 ended voter',
    does: 'goes on supporting and believing a process that ended its session',
    patches: [patch('core/sessions', 'support.ended = true', 'support.ended = false')],
    swarm: null,
    test: killedBy(
      'core/schedules',
      'V2: what a process sent before its SessionEnd and what arrives after it is ignored',
    ),
  },
  {
    id: 'R71 ended holder',
    does: 'goes on after the end of its session',
    patches: [
      patch('core/step', 'state.waiting.length = 0\n  state.ended = true', 'state.waiting.length = 0'),
    ],
    swarm: null,
    test: killedBy(
      'core/schedules',
      'V2: a process that ended its session does not campaign, vote or heartbeat any more',
    ),
  },
  {
    id: 'R71 end while leading',
    does: 'ends its session without renouncing what it leads',
    patches: [
      patch(
        'core/step',
        '  const heirs = heirsOf(turn)\n  renounceAll(turn, reason)\n',
        '  const heirs = heirsOf(turn)\n',
      ),
    ],
    swarm: ANY,
    test: killedBy('paper/sessions', 'R71: one SessionEnd frees all elections of a process at a voter'),
  },
]
