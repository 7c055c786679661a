/**
 * Mutants of maintenance: pausing, the word (R80) and what it does (R81); freezing one member (R39); switchovers. Liveness:
 * named tests, and the world `maintenance`.
 */
import { killedBy, type Mutant, patch, type SwarmHunt } from '../mutant'

/** Where an operator is at work. */
const OPERATED: SwarmHunt = { profile: 'maintenance' }

export const PAUSE: readonly Mutant[] = [
  {
    id: 'R80 jump',
    does: 'takes a word of operators however far it lies above the newest known one',
    patches: [patch('core/pause', 'if (counter - known <= MAX_PAUSE_JUMP) return true', 'return true')],
    swarm: null,
    test: killedBy(
      'paper/pause',
      'R80, R44: a word far above the newest known one is no news, or nobody could speak after it (seed 1145687371)',
    ),
  },
  {
    id: 'R80 observers',
    does: 'says nothing of a pause to an observer that does not ask',
    patches: [
      patch(
        'core/pause',
        'if (elections.has(election.name) && !accounts',
        'if (elections.size < 0 && !accounts',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/observers',
      'R80, R81: that leads hears of a pause, and steps down if the word says so',
    ),
  },
  {
    id: 'R80 order',
    does: 'takes any word for news, also an older one',
    patches: [patch('core/voter', 'return said.counter > (held?.counter ?? 0)', 'return said.counter > 0')],
    swarm: null,
    test: killedBy('paper/pause', 'R80: an older word changes nothing and is answered by the newer one'),
  },
  {
    id: 'R80 durable',
    does: 'answers a word before it is durable',
    patches: [patch('core/pause', 'if (version <= state.written) return', 'if (version > 0) return')],
    swarm: null,
    test: killedBy(
      'paper/pause',
      'R80, R1: a voter answers only when it holds the word durably, and so counts the speaker itself',
    ),
  },
  {
    id: 'R80 asks',
    does: 'never asks whether a pause still stands, and so never tells those that missed it',
    patches: [patch('core/step', '    askAboutPauses(turn)\n', '')],
    swarm: null,
    test: killedBy(
      'paper/pause',
      'R80: whoever knows of a pause asks every voter about it, so that it spreads and ends without its speaker',
    ),
  },
  {
    id: 'R80 restart',
    does: 'forgets every pause when it restarts',
    patches: [patch('core/state', 'process.pauses ?? {}', '{} as NonNullable<typeof process.pauses>')],
    swarm: null,
    test: killedBy('paper/pause', 'R80: it survives a restart of every process at once'),
  },
  {
    id: 'R81 voter',
    does: 'votes although it knows that the election is paused',
    patches: [
      patch(
        'core/votes',
        "if (isPaused(election) && !isOfLeader(turn, election, claim)) return 'paused'",
        '',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/pause',
      'R81: a voter that knows of a pause refuses pre-votes and votes, learns no term, and says why',
    ),
  },
  {
    id: 'R81 leader',
    does: 'refuses the next term of the leader, too, while the election is paused',
    patches: [
      patch('core/votes', 'isPaused(election) && !isOfLeader(turn, election, claim)', 'isPaused(election)'),
    ],
    swarm: null,
    test: killedBy(
      'paper/pause',
      'R81, R22: the announced leader gets the votes for its next term while the election is paused',
    ),
  },
  {
    id: 'R81 contender',
    does: 'stands although it knows that the election is paused',
    patches: [
      patch(
        'core/campaigns',
        'if (isPaused(election) || isBound(turn, election)) return',
        'if (isBound(turn, election)) return',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/pause',
      'R81: who knows of a pause does not stand, and drops a try that is under way',
    ),
  },
  {
    id: 'R81 hand-over',
    does: 'follows a hand-over in a paused election',
    patches: [patch('core/votes', '  if (isPaused(election)) return\n', '')],
    swarm: null,
    test: killedBy('paper/pause', 'R81, R21: a hand-over is not followed while the election is paused'),
  },
  {
    id: 'R39 frozen member',
    does: 'stands although an operator froze it',
    patches: [
      patch(
        'runtime/contention',
        '(this.thaw === null || this.host.clock.now() >= this.frozenUntil)',
        'this.frozenUntil >= 0',
      ),
    ],
    swarm: OPERATED,
    test: killedBy(
      'simulation/operator',
      'does not stand before the freeze is over, the others do, and then it stands again',
    ),
  },
  {
    id: 'R39 short freeze',
    does: 'stands again when half of the freeze is over',
    patches: [
      patch(
        'runtime/contention',
        'this.frozenUntil = clock.now() + forMs',
        'this.frozenUntil = clock.now() + forMs / 2',
      ),
    ],
    swarm: OPERATED,
    test: killedBy(
      'simulation/operator',
      'wants to contend or not, as its service says, when the freeze is over and not before',
    ),
  },
  {
    id: 'R39 endless freeze',
    does: 'never stands again once it was frozen',
    patches: [
      patch(
        'runtime/contention',
        'if (forMs > 0) this.thaw.arm(this.frozenUntil)',
        'if (forMs > 0) this.thaw.clear()',
      ),
    ],
    swarm: { ...OPERATED, liveness: true },
    test: killedBy(
      'simulation/operator',
      'does not stand before the freeze is over, the others do, and then it stands again',
    ),
  },
  {
    id: 'switchover early',
    does: 'hands over when half of the time is over',
    patches: [
      patch('runtime/switchover', 'timer.arm(clock.now() + inMs)', 'timer.arm(clock.now() + inMs / 2)'),
    ],
    swarm: OPERATED,
    test: killedBy(
      'simulation/operator',
      'hands over when it is due, not before, to whom it names, on either clock',
    ),
  },
  {
    id: 'switchover early on the wall',
    does: 'hands over when a timer says so, whatever the wall clock shows',
    patches: [
      patch('runtime/wall-deadline', 'if (this.clock.wall() < this.dueAt) this', 'if (this.dueAt < 0) this'),
    ],
    swarm: OPERATED,
    test: killedBy(
      'simulation/operator',
      'on the wall clock comes when that clock shows it: a step back puts it off, a step forward brings it within a look',
    ),
  },
  {
    id: 'switchover late',
    does: 'hands over half a minute late',
    patches: [
      patch('runtime/switchover', 'timer.arm(clock.now() + inMs)', 'timer.arm(clock.now() + inMs + 30_000)'),
    ],
    swarm: OPERATED,
    test: killedBy(
      'simulation/operator',
      'hands over when it is due, not before, to whom it names, on either clock',
    ),
  },
  {
    id: 'switchover taken back',
    does: 'hands over although it was taken back',
    patches: [patch('runtime/switchover', '    this.timer.clear()\n', '')],
    swarm: OPERATED,
    test: killedBy(
      'simulation/operator',
      'never happens when it was taken back, or when another one took its place',
    ),
  },
  {
    id: 'switchover once',
    does: 'hands over again a while later',
    patches: [
      patch(
        'runtime/switchover',
        '    parts.over(this)\n',
        '    parts.over(this)\n    this.timer.arm(this.dueAtMs > 0 ? parts.clock.now() + 5_000 : 0)\n',
      ),
    ],
    swarm: OPERATED,
    test: killedBy('simulation/operator', 'happens once, also where the same process leads again'),
  },
  {
    id: 'R81 switchover',
    does: 'hands over in a paused election, where nobody can take over',
    patches: [patch('runtime/switchover', "    if (parts.isPaused()) return void this.end('paused')\n", '')],
    swarm: OPERATED,
    test: killedBy('simulation/operator', 'R81: does nothing in a paused election, and its process leads on'),
  },
]
