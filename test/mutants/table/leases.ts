/** Mutants of leadership: what counts, what ends it, what may replace it, handing over (R11, R12, R16, R17, R20-R22, B.3). */
import { ANY, killedBy, type Mutant, patch } from '../mutant'

const BACKING = 'a lease is backed by promises'

export const LEASES: readonly Mutant[] = [
  {
    id: 'R11 R56 closed link',
    does: 'ends the support of a process when the link to it closes',
    patches: [
      patch(
        'core/step',
        'account.connected = false',
        'account.connected = false\n  for (const each of [state.supports.get(peer)]) if (each) each.until = 0',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/lease',
      'R11: not by a closed link, a pre-vote, a vote request, another’s release, or a lower-term announcement',
    ),
  },
  {
    id: 'R12 older term',
    does: 'counts bindings of older terms than the one that it leads',
    patches: [
      patch('core/campaigns', 'if (lead !== null && reply.term >= lead.term)', 'if (lead !== null)'),
      patch(
        'core/campaigns',
        'if (lead !== null && ack.term >= lead.term) countBound',
        'if (lead !== null) countBound',
      ),
    ],
    swarm: null,
    test: killedBy('paper/lease', 'R12: a binding of an older term than the one led does not count'),
  },
  {
    id: 'R16 comparison',
    does: 'applies what arrives before it compares leases with the clock',
    patches: [
      patch(
        'core/step',
        '  passTime(turn)\n  apply(turn, input)\n',
        '  apply(turn, input)\n  if (turn.promisesMoved) extendLeases(turn)\n  passTime(turn)\n',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/lease',
      'R16: the comparison comes before anything that could extend the lease: a late ack does not revive it',
    ),
  },
  {
    id: 'R16 ended lease',
    does: 'keeps a leadership whose lease has ended, until an answer makes it valid again',
    patches: [patch('core/leases', 'if (turn.now >= lease.until) ended', 'if (turn.now < 0) ended')],
    swarm: ANY,
    test: killedBy('paper/lease', 'R16: a leader whose lease ended releases every voter, and its own slot'),
  },
  {
    id: 'R17 R61 lower term',
    does: 'binds itself to a leader of a lower term than the known one',
    patches: [patch('core/voter', "if (claim.term < slot.knownTerm) return 'term'", '')],
    swarm: ANY,
    test: killedBy(
      'paper/lease',
      'R17: the announcement of a higher term replaces any binding, of a lower one none',
    ),
  },
  {
    id: 'R20 freeze',
    does: 'extends a frozen lease with later answers',
    patches: [
      patch(
        'core/leases',
        'for (const lease of turn.state.leases.values()) {\n    if (lease.frozen) continue',
        'for (const lease of turn.state.leases.values()) {',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/handover',
      'R20: later acks add nothing, and at its end all is renounced, then released',
    ),
  },
  {
    id: 'R20 frozen grant',
    does: 'counts a late grant for a frozen lease',
    patches: [
      patch('core/leadership', '  if (lead.frozen !== null) return\n  addBound', '  addBound'),
      patch('core/leases', '  if (lead.frozen !== null) return\n  const bound', '  const bound'),
    ],
    swarm: null,
    test: killedBy('paper/handover', 'R20: a late grant adds nothing to a frozen lease'),
  },
  {
    id: 'R20 every term',
    does: 'releases the term that it led, not every term that it campaigned in',
    patches: [
      patch(
        'core/leadership',
        '  if (election.lead !== null) {\n    drop(turn, election, election.lead, reason)',
        '  if (election.lead !== null) {\n    election.topTerm = election.lead.term\n    drop(turn, election, election.lead, reason)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/handover',
      'R20, P7: every term up to the highest campaigned in is renounced, and late answers bring none back',
    ),
  },
  {
    id: 'R21 resumed',
    does: 'goes on leading after it ordered another process to take over',
    patches: [
      patch('core/leadership', '  renounce(turn, election, reason, to)\n', '  if (reason === null) return\n'),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/handover',
      'R21: renounces, releases with the name of the target, and orders it to stand, in this order',
    ),
  },
  {
    id: 'R21 cool-down',
    does: 'hands over to a contender that is in its own cool-down',
    patches: [patch('core/facts', 'contending: contending && !standsBack', 'contending')],
    swarm: null,
    test: killedBy(
      'paper/preference',
      'R21: is nobody who is in its own cool-down, and may be again when that is over',
    ),
  },
  {
    id: 'R21 end of the cool-down',
    does: 'never says that its cool-down is over',
    patches: [patch('core/step', 'if (comeBack(turn, election)) tellHolder', 'if (turn.now < 0) tellHolder')],
    swarm: null,
    test: killedBy(
      'paper/preference',
      'R21: is nobody who is in its own cool-down, and may be again when that is over',
    ),
  },
  {
    id: 'R21 term',
    does: 'lets a certificate void bindings of later terms of its leader',
    patches: [
      patch('core/votes', 'if (held.term > certificate.term || certificate.leader', 'if (certificate.leader'),
    ],
    swarm: null,
    test: killedBy(
      'core/schedules',
      'R21: a certificate of term 1 does not void the same holder’s binding of term 2',
    ),
  },
  {
    id: 'R21 life',
    does: 'lets a certificate void bindings of every life of its leader',
    patches: [
      patch(
        'core/votes',
        '!isHeldBy(held, certificate.leader, certificate.incarnation)',
        'held.leader !== certificate.leader',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/handover',
      'R21: it voids exactly bindings of that process, storage and life with a term up to its own',
    ),
  },
  {
    id: 'R21 holder',
    does: 'lets a certificate void the binding to any other process',
    patches: [
      patch(
        'core/votes',
        'if (held === null || held.released || !isHeldBy(held, certificate.leader, certificate.incarnation)) return',
        'if (held === null || held.released) return',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/handover',
      'R21: it voids exactly bindings of that process, storage and life with a term up to its own',
    ),
  },
  {
    id: 'R21 storage',
    does: 'lets a certificate of another disk void a binding',
    patches: [
      patch('core/votes', 'if (storageId !== null && storageId !== certificate.storageId) return', ''),
    ],
    swarm: null,
    test: killedBy(
      'paper/handover',
      'R21: it voids exactly bindings of that process, storage and life with a term up to its own',
    ),
  },
  {
    id: 'R21 order',
    does: 'takes the order to stand from anybody',
    patches: [
      patch(
        'core/votes',
        'if (!isHeldBy(held, from, incarnation) || held.term > certificate.term) return',
        '',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/handover',
      'R21: an order counts only from the leader that the target is bound to, or if it is bound to nobody',
    ),
  },
  {
    id: 'R21 whose order',
    does: 'takes an order with the certificate of another process or life',
    patches: [
      patch(
        'core/votes',
        'if (certificate.leader !== from || certificate.incarnation !== incarnation) return',
        '',
      ),
      patch(
        'core/votes',
        'election === undefined || order.storageId !== turn.config.storageId',
        'election === undefined',
      ),
    ],
    swarm: null,
    test: killedBy('paper/handover', 'R21: an order is for one disk, from one life of the leader itself'),
  },
  {
    id: 'R21 obstacles',
    does: 'stands by order although it may not stand',
    patches: [
      patch(
        'core/votes',
        'if (!election.contending || election.lead !== null || ownObstacle(turn) !== null) return',
        '',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'paper/handover',
      'R21: an order does not make a process stand that may not: in boot wait, not contending, or leading',
    ),
  },
  {
    id: 'R22 R65 failed re-term',
    does: 'releases the term of a failed re-term while the old lease counts voters that are bound by it',
    patches: [
      patch(
        'core/campaigns',
        '  election.campaign = null\n  turn.state.campaigning.delete(election.name)\n  settleRole(turn, election)\n}',
        "  election.campaign = null\n  turn.state.campaigning.delete(election.name)\n  if (campaign.phase === 'vote') for (const [voter, account] of turn.state.accounts) oweRelease(turn, voter, account, election, null)\n  settleRole(turn, election)\n}",
      ),
      patch(
        'core/facts',
        'if (election.lead !== null || election.topTerm === 0) return',
        'if (election.topTerm === 0) return',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'core/schedules',
      'R22, R65: a re-term without an answer releases nothing that the old lease counts',
    ),
  },
  {
    id: 'R22 step down',
    does: 'steps down when it learns of a higher term',
    patches: [
      patch(
        'core/campaigns',
        '  noteJump(turn, election, term)\n  election.slot.knownTerm = term\n',
        "  noteJump(turn, election, term)\n  election.slot.knownTerm = term\n  if (election.lead !== null) renounce(turn, election, 'superseded')\n",
      ),
    ],
    swarm: null,
    test: killedBy('paper/lease', 'R22: a voter stuck in a higher term is freed without an outage'),
  },
  {
    id: 'R65 late grant',
    does: 'releases a late grant of a leadership that stands',
    patches: [
      patch(
        'core/campaigns',
        'if (lead !== null && reply.term >= lead.term) countBound',
        'if (lead !== null && !current) oweRelease(turn, from, account, election, null)\n    else if (lead !== null && reply.term >= lead.term) countBound',
      ),
      patch(
        'core/facts',
        'if (election.lead !== null || election.topTerm === 0) return',
        'if (election.topTerm === 0) return',
      ),
    ],
    swarm: ANY,
    test: killedBy('paper/items', 'R65: it is counted, if it is of the present leadership or above'),
  },
  {
    id: 'R65 below the led term',
    does: 'answers an old grant with a release of what it leads',
    patches: [
      patch(
        'core/campaigns',
        'if (election.lead !== null) oweBind(turn, from, account, election, election.lead.term)',
        'if (election.lead !== null) oweRelease(turn, from, account, election, null)',
      ),
      patch(
        'core/facts',
        'if (election.lead !== null || election.topTerm === 0) return',
        'if (election.topTerm === 0) return',
      ),
    ],
    swarm: ANY,
    test: killedBy('paper/items', 'R65: below the led term it is answered by a bind, never by a release'),
  },
  {
    id: 'B.3 boot wait',
    does: 'votes at once after the host was suspended',
    patches: [
      patch('core/step', 'state.bootUntil = Math.max(state.bootUntil, turn.now + state.maxPromiseMs)', ''),
    ],
    swarm: null,
    test: killedBy(
      'paper/lease',
      'B.3: after a suspend everything is renounced, campaigns are void, and the boot wait runs again',
    ),
  },
  {
    id: 'B.3 renounce',
    does: 'keeps leases and campaigns over a suspend of the host',
    patches: [patch('core/step', "renounceAll(turn, 'suspended')", '')],
    swarm: { ignore: [BACKING] },
    test: killedBy(
      'paper/lease',
      'B.3: after a suspend everything is renounced, campaigns are void, and the boot wait runs again',
    ),
  },
  {
    id: 'B.3 promises',
    does: 'counts after a suspend of the host what was promised before it',
    patches: [patch('core/step', 'forgetPromises(turn)', '')],
    swarm: { profile: 'oneStore' },
    test: killedBy(
      'paper/lease',
      'B.3: who was promised more than it promised does not win by what may have ended while it slept',
    ),
  },
  {
    id: 'R13 R39 storage failure',
    does: 'goes on leading when its storage has failed',
    patches: [patch('core/step', "return renounceAll(turn, 'storageFailed')", 'return')],
    swarm: null,
    test: killedBy(
      'paper/lease',
      'R13: a storage failure renounces every election at once, and every campaign',
    ),
  },
  {
    id: 'R10 adaptive round',
    does: 'counts an answer with the promise that it asks for now, not with the one that the round asked for',
    patches: [
      patch(
        'core/sessions',
        'round.sentAt + leaseLength(round.promiseMs, account.rho, account.deltaMs)',
        'round.sentAt + leaseLength(turn.state.promiseMs, account.rho, account.deltaMs)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'core/adaption',
      'a heartbeat and the table of rounds name one D; an ack of a round before it grew counts with the former',
    ),
  },
  {
    id: 'R18 adaptive heartbeat',
    does: 'counts longer promises than its heartbeats ask for',
    patches: [
      patch('core/sessions', 'const { promiseMs } = turn.state', 'const { promiseMs } = turn.config.timing'),
    ],
    swarm: null,
    test: killedBy(
      'core/adaption',
      'a heartbeat and the table of rounds name one D; an ack of a round before it grew counts with the former',
    ),
  },
  {
    id: 'R13 adaptive shrinking',
    does: 'lets D shrink faster than time passes, so that a lease moves back',
    patches: [patch('core/adaption', 'SHRINK_RATE = 0.005', 'SHRINK_RATE = 2')],
    swarm: null,
    test: killedBy(
      'core/adaption',
      'R18, R13: whatever is measured, D stays within its bounds and the lease of the own rounds never moves back',
    ),
  },
]
