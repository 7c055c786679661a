/** Mutants of items and their answers: announcements, releases, and what keeps the lights on (R16, R61-R63, R69, R70). */
import { ANY, killedBy, type Mutant, patch } from '../mutant'

const NO_RELEASE = patch(
  'core/facts',
  'if (election.lead !== null || election.topTerm === 0) return',
  'if (voter !== null) return',
)
const NO_PROBES = patch(
  'core/sessions',
  'return turn.now - account.lastAnsweredSend < turn.state.promiseMs',
  'return account.lastAnsweredSend <= turn.now',
)

export const ITEMS: readonly Mutant[] = [
  {
    id: 'R62 session',
    does: 'binds itself to a leader that it does not support',
    patches: [
      patch(
        'core/votes',
        'grant !== null && accepts(turn, election, { process: from, incarnation, term: fact.term, grant })',
        "accepts(turn, election, { process: from, incarnation, term: fact.term, grant: grant ?? '' })",
      ),
      patch('core/votes', 'if (accepted && grant !== null) {', 'if (accepted) {'),
    ],
    swarm: null,
    test: killedBy(
      'paper/items',
      'R62: a voter binds only while the session of the sender stands, and under its present grant',
    ),
  },
  {
    id: 'R62 new grant',
    does: 'counts a voter under a new grant without binding it anew',
    patches: [
      patch(
        'core/leadership',
        'else oweBind(turn, voter, account, election, election.lead.term)\n    }',
        'else countBound(turn, election, election.lead, voter, grant)\n    }',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/items',
      'R62: a voter whose support lapsed, or that restarted, is told again of everything led, in one batch',
    ),
  },
  {
    id: 'R62 echo',
    does: 'names any grant that it gave the leader, not the one under which it is bound',
    patches: [
      patch(
        'core/votes',
        'grant: accepted ? grant : null,',
        "grant: accepted ? (grant?.replace(/[0-9]+$/, '1') ?? null) : null,",
      ),
    ],
    swarm: null,
    test: killedBy(
      'core/schedules',
      'R62: the answer names the grant under which the voter is bound, not the one that the leader meant',
    ),
  },
  {
    id: 'R63 slot',
    does: 'lets a release drop the binding to another holder',
    patches: [patch('core/voter', '  if (held !== null && active) return false\n', '')],
    swarm: ANY,
    test: killedBy(
      'core/schedules',
      'R63: the release of a failed candidate of the same term does not free the leader’s voter',
    ),
  },
  {
    id: 'R63 term',
    does: 'lets a release drop a binding of a later term',
    patches: [patch('core/voter', '    if (held.term > term) return false\n', '')],
    swarm: ANY,
    test: killedBy('paper/items', 'R63: frees the slot of its holder for every term up to the one named'),
  },
  {
    id: 'R63 released mark',
    does: 'binds itself to a leader that has renounced that term',
    patches: [patch('core/voter', "if (own && held.released) return 'released'", '')],
    swarm: null,
    test: killedBy(
      'core/schedules',
      'R63: a release overtakes announcement and vote request; both are refused while the slot is free',
    ),
  },
  {
    id: 'R63 raised term',
    does: 'does not raise the known term when a renouncement finds a free slot',
    patches: [
      patch(
        'core/voter',
        "grant: '', led: false, released: true }\n  slot.knownTerm = Math.max(slot.knownTerm, term)\n",
        "grant: '', led: false, released: true }\n",
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/items',
      'R63: raises the known term while nobody else is bound, so that what it overtook is refused',
    ),
  },
  {
    id: 'R63 raised over another',
    does: 'raises the known term over the binding to another holder',
    patches: [
      patch(
        'core/voter',
        '  if (held !== null && active) return false\n',
        '  if (held !== null && active) {\n    slot.knownTerm = Math.max(slot.knownTerm, term)\n    return false\n  }\n',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/items',
      'R63: neither touches another holder’s binding nor raises the term over it',
    ),
  },
  {
    id: 'R16 R63 release',
    does: 'tells nobody that it renounced',
    patches: [NO_RELEASE],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'R16, R63: where only the hub of a star has a quorum, the others let go, and it leads',
    ),
  },
  {
    id: 'R16 R63 R64 release and two-way',
    does: 'tells nobody that it renounced, and renews its sessions at voters that it does not hear',
    patches: [NO_RELEASE, NO_PROBES],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'R63, R64: a leader that sends but does not hear lets go, or is let go of',
    ),
    pair: 'a holder that is not heard loses its sessions in time, so a release that never comes costs little; and the reverse',
  },
  {
    id: 'R16 failed campaign',
    does: 'keeps the binding to itself, and those of its voters, when a campaign fails',
    patches: [
      patch(
        'core/campaigns',
        "if (campaign.phase === 'vote' && election.lead === null) {",
        "if (campaign.phase === 'vote' && election.lead === null && turn.now < 0) {",
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/lease',
      'R16: a campaign that ends without a lease releases every voter, whether or not it answered',
    ),
  },
  {
    id: 'R62 announcement',
    does: 'tells nobody that it leads',
    patches: [
      patch(
        'core/leadership',
        '  for (const [voter, account] of state.accounts) oweBind(turn, voter, account, election, lead.term)\n',
        '',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/items',
      'R62: after a win everybody is told, and told again until the answer comes',
    ),
  },
]
