/** Mutants of pausing: the word (R80) and what it does (R81). Liveness: named tests, and the world `maintenance`. */
import { killedBy, type Mutant, patch } from '../mutant'

export const PAUSE: readonly Mutant[] = [
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
]
