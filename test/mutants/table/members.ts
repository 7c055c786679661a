/** Mutants of members that change: configurations, who installs and acknowledges them, leases across them (R19, R26, R29-R34, R72). */
import { killedBy, type Mutant, patch } from '../mutant'

const killedIn = (name: string) => killedBy('paper/members', name)

export const MEMBERS: readonly Mutant[] = [
  {
    id: 'R19 removed',
    does: 'votes at once after a restart if it was removed before',
    patches: [
      patch(
        'core/state',
        'const promises = isVoter || config.membership === true',
        'const promises = isVoter',
      ),
    ],
    swarm: null,
    test: killedIn(
      'R19: who was removed waits after a restart, too: another leader may bring it back before its promises are over',
    ),
  },
  {
    id: 'R24 late name',
    does: 'hears lives without a session where another storage may bear their name',
    patches: [
      patch(
        'core/step',
        '  if (state.membership !== null && !hasSession(state, frame.from, frame.fromIncarnation)) return\n',
        '  if (!hasSession(state, frame.from, frame.fromIncarnation) && state.ended) return\n',
      ),
    ],
    swarm: null,
    test: killedIn(
      'R24, R26: a late frame of a storage that was given up does not make an old life of the one that has its name now',
    ),
  },
  {
    id: 'R26 wiped disk',
    does: 'lets a process vote whose name is in the configuration, but not its storage',
    patches: [
      patch(
        'core/state',
        'return own !== undefined && (own.storageId ?? storageId) === storageId',
        'return own !== undefined && storageId !== null',
      ),
    ],
    swarm: null,
    test: killedIn('R26: a wiped disk is no voter until it was removed and added'),
  },
  {
    id: 'R29 order',
    does: 'takes the larger version for the newer configuration, whatever the terms',
    patches: [
      patch(
        'core/membership',
        'return a.term - b.term || a.version - b.version',
        'return a.version - b.version || a.term - b.term',
      ),
    ],
    swarm: null,
    test: killedIn('R29: a higher term is newer, whatever the version'),
  },
  {
    id: 'R29 durable',
    does: 'runs with a configuration, and says so, before it is durable',
    patches: [patch('core/membership', 'installing.version <= state.written', 'state.written >= 0')],
    swarm: null,
    test: killedIn(
      'R29: a configuration is in force, and said, when its write is done; a restart keeps the newest one',
    ),
  },
  {
    id: 'R30 rewrite',
    does: 'leaves the configuration of a former leader of `@members` as it is',
    patches: [
      patch('core/membership', '  if (term < cluster.term) return\n', '  if (cluster.term > 0) return\n'),
    ],
    swarm: null,
    test: killedIn('R30: each later winner, too: the configurations of competing leaders are ordered'),
  },
  {
    id: 'R31 older',
    does: 'votes for a candidate with an older configuration',
    patches: [
      patch(
        'core/votes',
        "if (!votes(turn) || !current) return 'config'",
        "if (!votes(turn)) return 'config'",
      ),
    ],
    swarm: null,
    test: killedIn('R31: an older configuration is refused, and answered by the newer one'),
  },
  {
    id: 'R31 founding',
    does: 'votes at 0.1 before it knows that nobody is further',
    patches: [
      patch(
        'core/campaigns',
        'return state.isVoter && unmet.size === 0 ?',
        'return state.isVoter && unmet.size >= 0 ?',
      ),
    ],
    swarm: null,
    test: killedIn('R31: nobody votes at 0.1 before every other founder has said that it is there, too'),
  },
  {
    id: 'R31 leader',
    does: 'installs what others say although it leads `@members`',
    patches: [patch('core/membership', '  if (leadOf(turn) !== null) return\n', '')],
    swarm: null,
    test: killedIn('R31: the leader of `@members` installs nothing that others say while it leads'),
  },
  {
    id: 'R32 leader',
    does: 'takes a change from anybody',
    patches: [patch('core/membership', "  if (leadOf(turn) === null) return 'notLeader'\n", '')],
    swarm: null,
    test: killedIn('R32 a: nobody else changes anything, nor does a leader whose lease has ended'),
  },
  {
    id: 'R32 quorum',
    does: 'changes again although no quorum holds the present configuration',
    patches: [
      patch(
        'core/membership',
        '  if (!isQuorum(state.cluster, (voter) => voter === config.self || acks.has(voter))) return\n',
        '  isQuorum(state.cluster, () => true)\n',
      ),
    ],
    swarm: null,
    test: killedIn('R32 b: not before a quorum of the present voters holds the present configuration'),
  },
  {
    id: 'R32 later term',
    does: 'counts the word of a voter that knows a later leader of `@members`',
    patches: [patch('core/membership', '  if (ack.membersTerm > lead.term) return\n', '')],
    swarm: null,
    test: killedIn('R32 b: the word of a voter that knows a later leader of `@members` does not count'),
  },
  {
    id: 'R32 one at a time',
    does: 'adds two voters at once, or swaps a disk in one step',
    patches: [patch('core/membership', "  if (changes > 1) return 'twoAtOnce'\n", '')],
    swarm: null,
    test: killedIn('R32 c, R26: one voter at a time; another disk under one name is two changes'),
  },
  {
    id: 'R32 itself',
    does: 'removes itself',
    patches: [
      patch('core/membership', "  if (!isMember(config, { ...cluster, voters })) return 'self'\n", ''),
    ],
    swarm: null,
    test: killedIn('R32 d: it stays in itself, and one voter stays in any case'),
  },
  {
    id: 'R33 acks',
    does: 'counts acks of voters that run with another configuration',
    patches: [
      patch(
        'core/sessions',
        '  if (!ack.renewed || ack.grant === null || !isCurrent) return\n',
        '  if (!ack.renewed || ack.grant === null) return\n',
      ),
    ],
    swarm: null,
    test: killedIn(
      'R33: a lease earned before stays until its own deadline; acks of the former configuration add nothing',
    ),
  },
  {
    id: 'R33 kept lease',
    does: 'cuts a lease to what the new voters count at once',
    patches: [
      patch(
        'core/leases',
        '  if (turn.state.membership === null) return null\n',
        '  if (turn.now > 0) return null\n',
      ),
    ],
    swarm: null,
    test: killedIn('R33: a lease stays although too few of the present voters count yet'),
  },
  {
    id: 'R33 caught up',
    does: 'moves a kept lease to the shared one before that has grown',
    patches: [
      patch(
        'core/leases',
        'if (former.until <= until) return caughtUp(turn, key, until)',
        'if (former.until <= until) return null',
      ),
    ],
    swarm: null,
    test: killedIn(
      'R13, R33: a lease that was kept joins the others when these last as long, and is not seen to end earlier for a moment',
    ),
  },
  {
    id: 'R33 campaign',
    does: 'goes on with a campaign among voters that are not those in force',
    patches: [
      patch(
        'core/step',
        '  if (turn.votersChanged) endCampaigns(turn)\n',
        '  if (turn.votersChanged && turn.now < 0) endCampaigns(turn)\n',
      ),
    ],
    swarm: null,
    test: killedIn(
      'R33: a campaign ends when others vote from then on, and a yes that comes later is released',
    ),
  },
  {
    id: 'R33 old names',
    does: 'counts a grant of another disk for what the former one was bound to',
    patches: [patch('core/roster', '    if (election.lead !== null) unbind(election.lead, voter)\n', '')],
    swarm: null,
    test: killedIn(
      'R33: grants of another disk may bear old names, and count for nothing that the former one was bound to',
    ),
  },
  {
    id: 'R34 joiner',
    does: 'stands and votes although its configuration does not name it',
    patches: [
      patch('core/campaigns', 'return state.isVoter && unmet.size === 0 ?', 'return unmet.size === 0 ?'),
    ],
    swarm: null,
    test: killedIn(
      'R34: a joiner follows and has no voice, until the configuration that names it is in force there',
    ),
  },
  {
    id: 'R34 stranger',
    does: 'keeps everybody out that is no member of the configuration in force here',
    patches: [
      patch(
        'runtime/door',
        'const isMember = (process: ProcessId): boolean => changes || storages.has(process)',
        'const isMember = (process: ProcessId): boolean => this.isKnown(process) || (changes && storages.has(process))',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R31, R34: where members change, whoever is none here may tell of a configuration that names it; nine at most, and none is pinned',
    ),
  },
  {
    id: 'R54 other storage',
    does: 'takes another storage under a known name for a later life of the former one',
    patches: [patch('core/roster', '  if (now < former.until) return false\n', '')],
    swarm: null,
    test: killedIn(
      'R54, R26: another storage under a known name ends nothing before the promise to the former one is over',
    ),
  },
  {
    id: 'R34 removed',
    does: 'goes on leading after it was removed',
    patches: [
      patch(
        'core/roster',
        "else freezeLease(turn, election, election.lead, 'removed')",
        'else attachLease(turn, election, election.lead)',
      ),
    ],
    swarm: null,
    test: killedIn('R34: a removed voter is told, stands no more, and what it led ends as `removed`'),
  },
  {
    id: 'R72 floor',
    does: 'forgets the terms that the former voters knew',
    patches: [patch('core/membership', 'termFloor: floor,', 'termFloor: floor * 0,')],
    swarm: null,
    test: killedIn(
      'R72: two changes after a win the new voters vote above its term, whether or not they ever heard of it',
    ),
  },
  {
    id: 'R72 wait',
    does: 'changes again before leases of older configurations are over',
    patches: [patch('core/membership', 'now + longestMs * (1 + config.timing.rho)', 'now + longestMs * 0')],
    swarm: null,
    test: killedIn(
      'R72: not before the longest promise of the acknowledging voters has passed since they acknowledged',
    ),
  },
  {
    id: 'R72 bind',
    does: 'binds itself to a leader below the floor',
    patches: [
      patch(
        'core/votes',
        '  if (turn.state.membership !== null && claim.term < turn.state.termFloor) return false\n',
        '',
      ),
    ],
    swarm: null,
    test: killedIn('R72: nobody is bound anew below the floor, and says how high it is'),
  },
]
