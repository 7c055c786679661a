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
]

/** Rules that the sources name and that have no mutant: nothing there could be switched off, or nothing would be wrong. */
export const EXEMPT: Readonly<Record<string, string>> = {
  R38: 'closes links that answer nothing: sockets and redialling, no promise depends on it',
  R40: 'a warning about two voters',
  R41: 'a definition: the token is the term',
  R51: 'what is not done: no lock of a store session is a lease',
  R70: 'what a turn costs: one frame per peer, one write',
}
