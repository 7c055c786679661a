/** Mutants of rules that only keep the lights on (R35, R56, R69), and the rules that need no mutant, with the reason. */
import { killedBy, type Mutant, patch } from '../mutant'

export const LIVENESS: readonly Mutant[] = [
  {
    id: 'R35 chance',
    does: 'waits for the same time after every failed attempt',
    patches: [patch('core/succession', 'turn.now + random(turn) * bound', 'turn.now + bound')],
    swarm: null,
    test: killedBy(
      'paper/succession',
      'R35: after a failed attempt the delay is random, newly drawn each time, under a bound that doubles',
    ),
  },
  {
    id: 'R56 parking',
    does: 'forgets a pre-vote whose only obstacle is a binding',
    patches: [
      patch(
        'core/votes',
        "if (refusal === 'bound' || refusal === 'leading') park(",
        "if (refusal === 'boot') park(",
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/evidence',
      'R56: a parked pre-vote is answered the moment the binding ends, so the successor leads at once',
    ),
  },
  {
    id: 'R69 order',
    does: 'stands as soon as an election is free, whoever goes before',
    patches: [
      patch('core/succession', 'if (election.successor === self) return 0', 'if (self !== null) return 0'),
    ],
    swarm: null,
    test: killedBy(
      'paper/succession',
      'R69: each waits one step per contender before it; higher priority goes first',
    ),
  },
  {
    id: 'R37 priority',
    does: 'orders contenders by chance alone',
    patches: [patch('core/succession', 'return -priority * 2 ** 33 + hash(', 'return 0 * priority + hash(')],
    swarm: null,
    test: killedBy(
      'paper/succession',
      'R69: each waits one step per contender before it; higher priority goes first',
    ),
  },
  {
    id: 'R37 restless score',
    does: 'begins the wait anew whenever the own priority moves',
    patches: [patch('core/step', 'const waits = moves && ', 'const waits = !moves && ')],
    swarm: null,
    test: killedBy(
      'paper/succession',
      'R37: a priority that moves while one waits does not begin the wait anew',
    ),
  },
  {
    id: 'R37 in the vote',
    does: 'refuses its vote to whoever has a lower priority',
    patches: [
      patch(
        'core/votes',
        "if (election.lead !== null) return 'leading'",
        "if ((election.contenders.get(claim.process) ?? 0) < election.priority) return 'bound'\n  if (election.lead !== null) return 'leading'",
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/succession',
      'R69, R37: order never enters a vote: the last in line wins if it asks first',
    ),
  },
  ...[
    [
      'R37 stable',
      'hands over to a better contender at once',
      'const due = since + rules.afterMs * 2 ** (vain.get(favourite) ?? 0)',
      'const due = since - rules.afterMs * (vain.get(favourite) ?? 0)',
      'R37: hands over when the better one has been there for long enough, not before',
    ],
    [
      'R37 hysteresis',
      'hands over to whoever is ahead at all',
      'priority >= election.priority + by',
      'priority > election.priority && by > 0',
      'R37: hysteresis: who is ahead by less stays where it is',
    ],
    [
      'R37 link',
      'takes a link that has just come up for an old one',
      'Math.max(favouredAt, connectedAt, changedAt.at(-1) ?? Number.NEGATIVE_INFINITY)',
      'Math.max(favouredAt, changedAt.at(-1) ?? Math.min(0, connectedAt))',
      'R37: the wait begins anew when the better one falls back, leaves, or loses its link',
    ],
    [
      'R37 settled',
      'hands over although it has only just won',
      'Math.max(favouredAt, connectedAt, changedAt.at(-1) ?? Number.NEGATIVE_INFINITY)',
      'Math.max(favouredAt, connectedAt)',
      'R37: a leader that has just won is not settled',
    ],
    [
      'R37 per minute',
      'hands over however often the leader has changed',
      'return counts === undefined ? due : Math.max(due, counts + MINUTE_MS)',
      'return counts === undefined ? due : Math.max(due, counts)',
      'R37: at most so many changes of the leader in a minute, whoever caused them',
    ],
    [
      'R37 vain',
      'hands over again and again to who does not take it',
      'preferring.vain.set(favourite, Math.min(times + 1, PATIENCE))',
      'preferring.vain.set(favourite, Math.min(times, PATIENCE))',
      'R37: who did not take what it was handed waits twice as long, each time',
    ],
    [
      'R37 deaf',
      'hands over to who does not answer',
      'account.connected && answersLately(turn, account)',
      'account.connected && answersLately(turn, account) !== null',
      'R37: who is better and does not answer is not handed anything (bug 27)',
    ],
    [
      'R37 paused',
      'proposes hand-overs while the election is paused',
      'if (isPaused(election)) return lookAgain(',
      'if (rules.by < 0) return lookAgain(',
      'R37, R81: while the election is paused nobody is handed anything',
    ],
    [
      'R21 fresh',
      'hands over to who has not answered for some heartbeats',
      'best(turn, election, fresh) ?? best(',
      'best(turn, election, fresh.slice(9)) ?? best(',
      'R21: who has not answered for some heartbeats comes after those that have',
    ],
    [
      'R37 frozen',
      'proposes to hand a frozen lease over',
      'if (lead === null || lead.frozen !== null) return',
      'if (lead === null) return',
      'R37, R20: a lease that is frozen is handed over to nobody',
    ],
  ].map(
    ([id, does, find, replace, name]): Mutant => ({
      id: id as string,
      does: does as string,
      patches: [patch('core/preference', find as string, replace as string)],
      swarm: null,
      test: killedBy('paper/preference', name as string),
    }),
  ),
  {
    id: 'R71 heir',
    does: 'ends its session without telling anybody to campaign with a certificate',
    patches: [
      patch(
        'core/step',
        'for (const [election, heir] of heirs) nominate(',
        'for (const [election, heir] of [...heirs].slice(9)) nominate(',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/preference',
      'R71, R21: the end of a process names the best one of each election that it led, and frees all by one word',
    ),
  },
  {
    id: 'R69 observers',
    does: 'says nothing to observers of who goes first among them',
    patches: [patch('core/observers', 'held === null ? firstObserver(turn, election) : null', 'null')],
    swarm: null,
    test: killedBy(
      'runtime/observers',
      'the best of those that are left leads next when the leader has vanished, too',
    ),
  },
  {
    id: 'R21 observer',
    does: 'drops the try of an observer that was handed it when it hears that it is free',
    patches: [patch('core/step', '!votes(turn) && election.campaign?.certificate != null', 'turn.now < 0')],
    swarm: null,
    test: killedBy(
      'runtime/observers',
      'names one that contends: it leads next, at once, whoever else stands',
    ),
  },
  {
    id: 'R21 name of an observer',
    does: 'looks for an observer by the name that people call it',
    patches: [patch('core/step', 'observerCalled(turn, election, input.to)', 'input.to')],
    swarm: null,
    test: killedBy(
      'runtime/observers',
      'names one that contends: it leads next, at once, whoever else stands',
    ),
  },
]

/** Rules that the sources name and that have no mutant: nothing there could be switched off, or nothing would be wrong. */
export const EXEMPT: Readonly<Record<string, string>> = {
  R38: 'closes links that answer nothing: sockets and redialling, no promise depends on it',
  R40: 'a warning about two voters',
  R41: 'a definition: the token is the term',
  R51: 'what is not done: no lock of a store session is a lease',
  R70: 'what a turn costs: one frame per peer, one write',
}
