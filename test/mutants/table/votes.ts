/** Mutants of terms and votes: durability, granting, counting, pre-vote, bounds of terms (R1-R9, R15, R44). */
import { ANY, killedBy, type Mutant, patch } from '../mutant'

export const VOTES: readonly Mutant[] = [
  {
    id: 'R1 vote',
    does: 'answers yes before its term is durable',
    patches: [
      patch('core/votes', 'version = decideTerm(turn, election)', 'version = 0 * decideTerm(turn, election)'),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/votes',
      'R1: a yes leaves when the write that holds it is done, a no leaves at once',
    ),
  },
  {
    id: 'R1 own vote',
    does: 'counts its own vote before it is durable',
    patches: [
      patch(
        'core/campaigns',
        'const version = decideTerm(turn, election)',
        'const version = 0 * decideTerm(turn, election)',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'core/schedules',
      'R1: a candidate asks while its own vote is written, and wins nothing before that is durable',
    ),
  },
  {
    id: 'R1 conceded',
    does: 'counts the own vote of a campaign that has ended for the next one, which is not durable yet',
    patches: [patch('core/campaigns', 'campaign.nonce !== ofNonce || ', '')],
    swarm: ANY,
    test: killedBy(
      'mutants/directed',
      'R1: the own vote of a campaign that ended while it was written does not count for the next one',
    ),
  },
  {
    id: 'R1 replaced vote',
    does: 'sends the yes for a vote whose binding was replaced while the write ran',
    patches: [
      patch(
        'core/votes',
        '  if (!isHeldBy(held, to, incarnation) || held.term !== answer.term || held.grant !== answer.grant) return\n',
        '',
      ),
      patch(
        'core/votes',
        'if (election === undefined || held == null || held.released) return',
        'if (election === undefined) return',
      ),
    ],
    swarm: null,
    test: killedBy(
      'core/schedules',
      'R1: writes completed in reverse order let no answer of a replaced vote out',
    ),
  },
  {
    id: 'R1 failed write',
    does: 'goes on voting and supporting after a write failed',
    patches: [patch('core/step', 'state.storageFailed = true', 'state.storageFailed = false')],
    swarm: null,
    test: killedBy('paper/votes', 'R1: after a failed write a voter votes and acks no more'),
  },
  {
    id: 'R2 upward',
    does: 'votes in the known term, too, not only above it',
    patches: [patch('core/voter', 'if (claim.term <= slot.knownTerm)', 'if (claim.term < slot.knownTerm)')],
    swarm: ANY,
    test: killedBy(
      'paper/votes',
      'R2: a second candidate of the same term is refused, also after the first one let go',
    ),
  },
  {
    id: 'R2 repeat',
    does: 'repeats a yes although the binding that it made is not active any more',
    patches: [patch('core/voter', '    active &&\n    !held.led &&', '    !held.led &&')],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'R2: the same request is no repeat any more when its binding was released under the same grant',
    ),
  },
  {
    id: 'R2 announced',
    does: 'repeats a yes for a binding that an announcement made',
    patches: [patch('core/voter', '    !held.led &&\n', '')],
    swarm: ANY,
    test: killedBy(
      'paper/votes',
      'R2: an announced leader gets no vote for its term, whoever the voter voted for',
    ),
  },
  {
    id: 'R2 durable term',
    does: 'comes back from a restart with a term that is lower by one (A3)',
    patches: [patch('core/state', 'createElection(name, term))', 'createElection(name, term - 1))')],
    swarm: { profile: 'restarts' },
    test: killedBy(
      'paper/votes',
      'R2: a vote that was forgotten in a restart cannot be given twice, because its term is durable',
    ),
  },
  {
    id: 'R3 own binding',
    does: 'stands although its own voter is bound to another process',
    patches: [
      patch(
        'core/campaigns',
        '  if (isPaused(election) || isBound(turn, election)) return\n',
        '  if (isPaused(election)) return\n',
      ),
      patch(
        'core/campaigns',
        "campaign.phase !== 'preVote' || isBound(turn, election)) return",
        "campaign.phase !== 'preVote') return",
      ),
    ],
    swarm: ANY,
    test: killedBy('paper/votes', 'R3: nobody stands while its own voter is bound to another'),
  },
  {
    id: 'R3 own binding after pre-vote',
    does: 'makes a pre-vote quorum a campaign although its own voter is bound to another process by then',
    patches: [
      patch(
        'core/campaigns',
        "campaign.phase !== 'preVote' || isBound(turn, election)) return",
        "campaign.phase !== 'preVote') return",
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'mutants/directed',
      'R3, R56: a pre-vote that began on suspicion does not become a campaign while the own voter is bound',
    ),
  },
  {
    id: 'R3 deadline',
    does: 'never ends a campaign by its deadline',
    patches: [patch('core/campaigns', 'turn.now >= election.campaign.deadline', 'turn.now < 0')],
    swarm: null,
    test: killedBy(
      'paper/votes',
      'R3: a campaign is void after its time, on read: the last yes comes too late',
    ),
  },
  {
    id: 'R4 nonce and term',
    does: 'counts a yes for any campaign of its own',
    patches: [
      patch(
        'core/campaigns',
        '    campaign.term === reply.term &&\n    campaign.nonce === reply.nonce\n',
        '    campaign.nonce > 0\n',
      ),
    ],
    swarm: ANY,
    test: killedBy('paper/votes', 'R4: a yes that outlives its campaign does not count for the next one'),
    pair: 'a nonce is used in one term only, so either of the two tells campaigns apart',
  },
  {
    id: 'R4 half',
    does: 'takes half of an even number of voters for a quorum',
    patches: [patch('core/numbers', 'Math.floor(voters / 2) + 1', 'Math.ceil(voters / 2)')],
    swarm: ANY,
    test: killedBy('mutants/directed', 'R4, R40: half of the voters are no quorum'),
  },
  {
    id: 'R4 connected',
    does: 'takes a majority of the voters that are connected for a quorum',
    patches: [
      patch(
        'core/leases',
        'return isQuorum(turn.state.cluster, (voter) => {\n    const grant',
        'return isQuorum({ ...turn.state.cluster, voters: turn.state.cluster.voters.filter(({ id }) => turn.state.accounts.get(id)?.connected !== false) }, (voter) => {\n    const grant',
      ),
      patch('core/campaigns', 'if (!reachesQuorum(turn)) {', 'if (turn.now < 0) {'),
      patch('core/campaigns', ' && campaign.grants.size >= leastQuorum(state.cluster)', ''),
      patch(
        'core/campaigns',
        'if (!isQuorum(turn.state.cluster, (voter) => campaign.grants.has(voter))) return',
        'if (!isQuorum({ ...turn.state.cluster, voters: turn.state.cluster.voters.filter(({ id }) => turn.state.accounts.get(id)?.connected !== false) }, (voter) => campaign.grants.has(voter))) return',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/votes',
      'R4: the quorum is that of the configuration, not of those who are connected',
    ),
  },
  {
    id: 'P6 both sets',
    does: 'takes a majority of one of two sets for a quorum while the voters change',
    patches: [
      patch(
        'core/quorum',
        'return sets.every((set) => holdsMajority(set, counts))',
        'return sets.some((set) => holdsMajority(set, counts))',
      ),
    ],
    swarm: null,
    test: killedBy('mutants/directed', 'P6: while the voters change, neither set elects by itself'),
  },
  {
    id: 'P6 lease of both sets',
    does: 'counts a lease as long as one of two sets promised while the voters change',
    patches: [
      patch(
        'core/quorum',
        'until = Math.min(until, largest(set, untilOf))',
        'until = until === Infinity ? largest(set, untilOf) : Math.max(until, largest(set, untilOf))',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'P6: while the voters change, a lease lasts as long as both sets promised',
    ),
  },
  {
    id: 'R5 standing',
    does: 'wins with a quorum of grants, whether or not they stand',
    patches: [
      patch(
        'core/leases',
        'return grant !== undefined && countedUntil(turn, voter, grant) > turn.now',
        'return grant !== undefined && countedUntil(turn, voter, grant) < Infinity',
      ),
    ],
    swarm: ANY,
    test: killedBy('core/schedules', 'R5: grants that have run out do not make up a quorum'),
  },
  {
    id: 'R5 ran out',
    does: 'wins with grants that were counted once, although some of them have run out',
    patches: [
      patch(
        'core/leases',
        'return grant !== undefined && countedUntil(turn, voter, grant) > turn.now',
        'return grant !== undefined && countedUntil(turn, voter, grant) > 0',
      ),
    ],
    swarm: ANY,
    test: killedBy('core/schedules', 'R5: grants that have run out do not make up a quorum'),
  },
  {
    id: 'R6 second leader',
    does: 'binds itself to a second announced leader of one term',
    patches: [
      patch('core/voter', "if (!own && held.led) return 'twoLeaders'", "if (own && held.led) return 'bind'"),
    ],
    swarm: null,
    test: killedBy('paper/votes', 'R6: a second announced leader of one term is refused and reported'),
  },
  {
    id: 'R6 R15 leader',
    does: 'binds itself to another leader although it holds a valid lease',
    patches: [
      patch(
        'core/votes',
        "verdict === 'twoLeaders' || (verdict === 'bind' && election.lead !== null)",
        "verdict === 'twoLeaders'",
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/votes',
      'R6, R15: an announcement of a higher term to a process with a valid lease is refused and reported',
    ),
  },
  {
    id: 'R7 binding',
    does: 'votes in spite of an active binding to another process',
    patches: [
      patch(
        'core/voter',
        "if (held !== null && active && !isHeldBy(held, claim.process, claim.incarnation)) return 'bound'",
        '',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/votes',
      'R7: no vote while bound to another, and a higher life of the holder is another',
    ),
  },
  {
    id: 'R7 life',
    does: 'takes a later life of a process for the same holder',
    patches: [
      patch(
        'core/voter',
        'binding.leader === process && binding.incarnation === incarnation',
        'binding.leader === process',
      ),
    ],
    swarm: { profile: 'restarts' },
    test: killedBy(
      'mutants/directed',
      'R7, R63: to the voter rule a later life of the holder is another process',
    ),
  },
  {
    id: 'R7 session',
    does: 'votes for a process that it does not support',
    patches: [
      patch('core/votes', "?? (grant === null ? 'session' : null)", ''),
      patch(
        'core/votes',
        "if (grant === null || (refusal !== null && refusal !== 'repeat'))",
        "if (refusal !== null && refusal !== 'repeat')",
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/votes',
      'R7: no vote without a session: a request behind a probe or an old round is refused',
    ),
  },
  {
    id: 'R7 floor',
    does: 'votes in terms under the floor',
    patches: [patch('core/votes', "claim.term > turn.state.termFloor ? null : 'floor'", 'null')],
    swarm: null,
    test: killedBy(
      'paper/votes',
      'R7: no vote in boot wait, none while leading, none for a term at or under the floor',
    ),
  },
  {
    id: 'R7 refusal',
    does: 'takes over the term of a request that it refuses',
    patches: [
      patch(
        'core/votes',
        "    const reason = refusal === null || refusal === 'repeat' ? 'session' : refusal\n",
        "    const reason = refusal === null || refusal === 'repeat' ? 'session' : refusal\n    election.slot.knownTerm = Math.max(election.slot.knownTerm, request.term)\n",
      ),
    ],
    swarm: null,
    test: killedBy('paper/votes', 'R7: a refusal adopts no term, so nobody is deposed by asking'),
  },
  {
    id: 'R7 without a vote',
    does: 'votes although it is no voter',
    patches: [
      patch('core/votes', "if (!votes(turn) || !current) return 'config'", "if (!current) return 'config'"),
    ],
    swarm: null,
    test: killedBy('paper/votes', 'R7: a process without a vote gives none'),
  },
  {
    id: 'R8 changes nothing',
    does: 'makes the term of a pre-vote the known one',
    patches: [
      patch(
        'core/votes',
        'replyPreVote(turn, election, from, request.nonce, refusal)',
        'if (refusal === null) election.slot.knownTerm = request.term\n  replyPreVote(turn, election, from, request.nonce, refusal)',
      ),
    ],
    swarm: null,
    test: killedBy('mutants/directed', 'R8: binds nobody and moves no term'),
  },
  {
    id: 'R9 learnt term',
    does: 'believes terms without any bound (R44)',
    patches: [
      patch(
        'core/campaigns',
        'if (term <= known || election.slot.knownTerm === 0) return true',
        'return true',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/tokens',
      'R44: a term more than 1,000,000 above one’s own is refused and reported, unless one knows none yet',
    ),
  },
  {
    id: 'R44 jumps',
    does: 'believes any number of large jumps of a term in a minute',
    patches: [
      patch(
        'core/campaigns',
        'if (jump <= MAX_TERM_JUMP && turn.now - election.jumpedAt >= LARGE_TERM_JUMP_INTERVAL_MS) return true',
        'if (jump <= MAX_TERM_JUMP) return true',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/tokens',
      'R44: at most one jump above 1,000 per minute is adopted; small ones are free',
    ),
  },
  {
    id: 'R44 no number',
    does: 'takes texts, fractions and negative numbers for terms',
    patches: [
      patch('core/campaigns', 'Number.isSafeInteger(term) && term >= 0 && term <= MAX_TERM', 'term !== null'),
    ],
    swarm: null,
    test: killedBy('paper/tokens', 'R44: only safe integers from 0 to 2^53 - 2 are terms'),
  },
  {
    id: 'R44 last term',
    does: 'stands in terms that are no safe integers any more',
    patches: [patch('core/numbers', 'Number.MAX_SAFE_INTEGER - 1', 'Number.MAX_VALUE')],
    swarm: null,
    test: killedBy('paper/tokens', 'R41, R44: the last term is 2^53 - 2; after it nobody stands any more'),
  },
  {
    id: 'R15 own vote',
    does: 'votes for others while it holds a valid lease',
    patches: [
      patch('core/votes', "if (election.lead !== null) return 'leading'", ''),
      patch(
        'core/leadership',
        "return election.lead !== null || election.campaign?.phase === 'vote'",
        "return election.campaign?.phase === 'vote'",
      ),
    ],
    swarm: ANY,
    test: killedBy('core/schedules', 'R15: a leader with a valid lease grants nothing in its own election'),
    pair: 'the rule stands twice: a leader refuses, and its own binding is active',
  },
  {
    id: 'R15 conceding vote',
    does: 'goes on with its own campaign after it voted for a higher term',
    patches: [
      patch(
        'core/votes',
        '    endCampaign(turn, election)\n    forgetBound(turn, election)\n    noteJump(turn, election, request.term)',
        '    forgetBound(turn, election)\n    noteJump(turn, election, request.term)',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/votes',
      'R7: the own campaign in a lower term is conceded, in an equal or higher one not',
    ),
  },
  {
    id: 'R15 conceding bind',
    does: 'goes on with its own campaign after it bound itself to an announced leader',
    patches: [
      patch(
        'core/votes',
        '    endCampaign(turn, election)\n    forgetBound(turn, election)\n    noteJump(turn, election, fact.term)',
        '    forgetBound(turn, election)\n    noteJump(turn, election, fact.term)',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/lease',
      'R15: an accepted announcement ends the own campaign first, and renounces it',
    ),
  },
]
