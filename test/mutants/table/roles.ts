/** Mutants of roles: who votes, who may lead, what those without a vote are told (R4, R37, R59, R71). */
import { killedBy, type Mutant, patch } from '../mutant'

export const ROLES: readonly Mutant[] = [
  {
    id: 'R37 witness stands',
    does: 'lets a witness stand as any other voter',
    patches: [patch('core/step', 'input.contending && !isWitness(state, config)', 'input.contending')],
    swarm: { profile: 'roles' },
    test: killedBy('paper/roles', 'R37: never stands, whatever it is told'),
  },
  {
    id: 'R71 notice once',
    does: 'tells an observer once, whether or not it arrived',
    patches: [patch('core/step', '      return repeatNotices(turn, from)', '      return')],
    swarm: null,
    test: killedBy(
      'paper/roles',
      'R71: are repeated behind each heartbeat of the observer until it has answered, and not after that',
    ),
  },
  {
    id: 'R71 late notice',
    does: 'lets a late notice replace a newer one',
    patches: [
      patch('core/observers', 'const isLate = notice.number <', 'const isLate = notice.number + 1e9 <'),
    ],
    swarm: null,
    test: killedBy('paper/roles', 'R71: a late one replaces nothing'),
  },
  {
    id: 'R71 stale notices',
    does: 'believes what a voter said before the link to it was lost',
    patches: [
      patch(
        'core/step',
        "    if (account.kind !== 'store') dropNotices(turn, peer)\n  }\n  if (support",
        '  }\n  if (support',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/roles',
      'R71: what a voter said counts no more when the link to it is gone, and is asked for again',
    ),
  },
  {
    id: 'R37 standing is news',
    does: 'tells an observer that leads who else stands when it wins, and never again',
    patches: [
      patch(
        'core/observers',
        '  if (observers.size === 0 || !isBound(turn, election)) return\n',
        '  return\n',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/observers',
      'R37: an observer that leads hands over to a better one when that has been there for long enough',
    ),
  },
  {
    id: 'R21 stands no more',
    does: 'lets an observer that leads hand over to one that has gone',
    patches: [
      patch(
        'core/listed',
        '    if (!standing.some((one) => one.process === process)) list(turn, election, voter, process, null)\n',
        '',
      ),
    ],
    swarm: null,
    test: killedBy('runtime/observers', 'one that has gone, or stands no more, is nobody to be named'),
  },
  {
    id: 'R44 notice',
    does: 'believes any term in a notice',
    patches: [patch('core/observers', 'if (!plausible(turn, election, notice.knownTerm, from)) return', '')],
    swarm: null,
    test: killedBy('paper/roles', 'R44: one with a term that cannot be is refused'),
  },
  {
    id: 'E5 lives of observers',
    does: 'remembers every life of every observer that ever came',
    patches: [patch('core/observers', '  forgetStrangers(turn)\n', '')],
    swarm: null,
    test: killedBy(
      'paper/roles',
      'E5: lives of observers that are gone are forgotten, the oldest first, and never one that holds a promise',
    ),
  },
  {
    id: 'R59 release after the run-out',
    does: 'forgets an election whose binding ran out before its release came',
    patches: [
      patch('core/votes', "  if (!isBound(turn, election)) free(turn, election.name, 'lapse')\n}", '}'),
    ],
    swarm: null,
    test: killedBy('paper/roles', 'R59: a release that comes after the run-out frees the election, too'),
  },
  {
    id: 'R49 name of an observer',
    does: 'admits whoever is no voter under any name',
    patches: [
      patch('core/identity', 'known.admitsObservers && isCalledAfterStorage(hello)', 'known.admitsObservers'),
    ],
    swarm: null,
    test: killedBy('core/identity', 'R49, R71: an observer has to be called after its own storage'),
  },
  {
    id: 'E5 number of observers',
    does: 'admits any number of observers',
    patches: [
      patch('runtime/door', 'return connected.length < maxStrangers ?', 'return connected.length < 1e9 ?'),
    ],
    swarm: null,
    test: killedBy('runtime/observers', 'E5: no more observers than a voter lets in'),
  },
]
