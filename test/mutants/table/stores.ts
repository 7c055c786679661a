/** Mutants of voters that are records in a store: sessions, observation, fences, election records (R45-R48, R66-R68). */
import { killedBy, type Mutant, patch } from '../mutant'

const LISTED = 'R69, R82: the best contender that is left leads next, each time'

export const STORES: readonly Mutant[] = [
  {
    id: 'R82 head start',
    does: 'gives nobody a head start whom stores alone know of',
    patches: [patch('core/succession', 'Math.min(ahead * LOOKS', 'Math.min(0 * ahead * LOOKS')],
    swarm: null,
    test: killedBy('runtime/store-criteria', LISTED),
  },
  {
    id: 'R82 longest head start',
    does: 'waits for as many better ones as are listed, dead or not, without an end',
    patches: [
      patch(
        'core/succession',
        'Math.min(ahead * LOOKS * heartbeatMs, promiseMs)',
        'Math.max(ahead * LOOKS * heartbeatMs, 0 * promiseMs)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/store-criteria',
      'R69: those that have just died, however many and however good, cost D at most',
    ),
  },
  {
    id: 'R82 gone',
    does: 'waits for ever for whoever was listed once',
    patches: [patch('stores/store-roster', 'const GONE_AFTER = 20', 'const GONE_AFTER = 2e9')],
    swarm: null,
    test: killedBy(
      'runtime/store-criteria',
      'R69: whoever is best and dead costs one and a half looks, and nothing once its entry is old',
    ),
  },
  {
    id: 'R82 reached',
    does: 'hands nothing over to whom stores alone know of',
    patches: [patch('core/preference', 'listed.has(process) : account', 'false : account')],
    swarm: null,
    test: killedBy(
      'runtime/store-criteria',
      'R37, R82: a settled leader hands over to a better one that has been there for long enough',
    ),
  },
  {
    id: 'R82 foreign list',
    does: 'overwrites a list of contenders that it cannot read',
    patches: [
      patch(
        'stores/store-roster',
        'this.known = false\n      troubled(error as Error)',
        'this.version = found?.version ?? null\n      this.known = true',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/store-criteria',
      'a list that cannot be read is left as it is, and elections go on without an order',
    ),
  },
  {
    id: 'R45 newer round',
    does: 'credits an answer to the newest heartbeat, not to the one that its write carried',
    patches: [
      patch(
        'stores/store-session',
        'round: write.round, grant: nameOf(write.grant), renewed: true',
        'round: this.lastRound, grant: nameOf(write.grant), renewed: true',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R45: an answer is credited to the round that its write carried, not to one that waits behind it',
    ),
  },
  {
    id: 'R46 record D',
    does: 'waits for its own longest D, not for the one in the record',
    patches: [patch('stores/store-observer', 'sighting.record?.promiseMs ?? maxPromiseMs', 'maxPromiseMs')],
    swarm: { profile: 'oneStore' },
    test: killedBy(
      'mutants/stores',
      'R46: a session runs out its own D after it was last seen to move, on the clock of whoever watches',
    ),
  },
  {
    id: 'R46 shrinking D',
    does: 'lets the D of a record shrink within a grant',
    patches: [
      patch(
        'stores/store-session',
        'goesOn ? Math.max(record.promiseMs, renewal.promiseMs) : renewal.promiseMs',
        'renewal.promiseMs',
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy('mutants/stores', 'R46: within a grant the D of the record never shrinks'),
  },
  {
    id: 'R46 receipt',
    does: 'counts run-out from when the session was asked for, not from the receipt of the answer',
    patches: [
      patch(
        'stores/store-observer',
        'see(process: string, found: CasRecord | null): SessionRecord | null {',
        'see(process: string, found: CasRecord | null, at = this.options.now()): SessionRecord | null {',
      ),
      patch(
        'stores/store-observer',
        '{ version, record, since: this.options.now(), fencing: false }',
        '{ version, record, since: at, fencing: false }',
      ),
      patch(
        'stores/store-observer',
        'known.record = record\n      known.since = this.options.now()',
        'known.record = record\n      known.since = at',
      ),
      patch(
        'stores/store-watch',
        'this.seeSession(holder, result.records[elections.length + i] ?? null)',
        'this.seeSession(holder, result.records[elections.length + i] ?? null, asked.sentAt)',
      ),
      patch(
        'stores/store-watch',
        'private seeSession(holder: string, found: CasRecord | null): void {',
        'private seeSession(holder: string, found: CasRecord | null, at: number): void {',
      ),
      patch(
        'stores/store-watch',
        'this.options.observer.see(holder, found)',
        'this.options.observer.see(holder, found, at)',
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy(
      'mutants/stores',
      'R46: run-out is counted from the receipt of an answer, not from when it was asked for',
    ),
  },
  {
    id: 'R46 R18 worse clock',
    does: 'waits for no longer than the record says, although its own clock is the worse one',
    patches: [
      patch(
        'stores/store-observer',
        'promiseMs * Math.max(1, (1 + rho) / (1 + theirs))',
        'promiseMs * Math.max(1, (1 + theirs) / (1 + theirs))',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R18, R46: a watcher with a worse clock than the holder waits longer, one with a better clock does not',
    ),
  },
  {
    id: 'R47 renewal',
    does: 'takes a renewal whose answer was lost for a success',
    patches: [
      patch(
        'stores/store-session',
        "if (result.kind === 'ambiguous') heard(result.error)",
        "if (result.kind === 'ambiguous') this.credit(write)",
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R47: an ambiguous renewal is held only if the record that is read back carries it',
    ),
  },
  {
    id: 'R47 read back',
    does: 'takes the record that it reads back for the write whose answer was lost, whatever it carries',
    patches: [patch('stores/store-session', ' && record.seq === write.seq', '')],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R47: an ambiguous renewal is held only if the record that is read back carries it',
    ),
  },
  {
    id: 'R47 take',
    does: 'takes a take whose answer was lost for a success',
    patches: [
      patch(
        'stores/store-elections',
        "if (result.kind === 'ok') {",
        "if (result.kind === 'ok' || result.kind === 'ambiguous') {",
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy('mutants/stores', 'R47: an ambiguous take is held only if the record says so'),
  },
  {
    id: 'R48 absent session',
    does: 'takes a holder without a session record for gone',
    patches: [
      patch(
        'stores/store-observer',
        'if (session === null) return false',
        'if (session === null) return true',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R48: an absent session counts as seen now with the longest D, and frees nothing',
    ),
  },
  {
    id: 'R48 lost record',
    does: 'takes an election at once whose record the store has lost',
    patches: [
      patch(
        'stores/absence',
        'return this.options.clock.now() < this.endsAt(election)',
        'return this.options.clock.now() < 0 * this.endsAt(election)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R48: an election whose record is lost is not taken before the longest promise is over, and goes on above its last term',
    ),
  },
  {
    id: 'R48 lost term',
    does: 'begins with term 1 again when the store has lost a record',
    patches: [
      patch(
        'stores/absence',
        'Math.max(known ?? 0, isVolatile ? Math.floor(clock.wall()) : 0)',
        'isVolatile ? Math.floor(clock.wall()) : 0',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R48: an election whose record is lost is not taken before the longest promise is over, and goes on above its last term',
    ),
  },
  {
    id: 'R28 R48 volatile store',
    does: 'begins with term 1 at a store that forgets everything, not above the wall clock',
    patches: [
      patch(
        'stores/absence',
        'Math.max(known ?? 0, isVolatile ? Math.floor(clock.wall()) : 0)',
        'known ?? 0',
      ),
    ],
    swarm: { profile: 'forgetfulStore' },
    test: killedBy(
      'mutants/stores',
      'R28, R48: at a volatile store terms begin above the wall clock, after the wait',
    ),
  },
  {
    id: 'R49 name',
    does: 'calls itself at a store by its configured name alone',
    patches: [
      patch(
        'core/identity',
        'export function nameWithoutVote(id: ProcessId, storageId: string): ProcessId {\n',
        "export function nameWithoutVote(id: ProcessId, storageId: string): ProcessId {\n  if (storageId !== '') return id\n",
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/stores',
      'R49: two live processes with one configured id are safe, both contend, and people see the id',
    ),
  },
  {
    id: 'R66 resumed',
    does: 'resumes a grant that was fenced',
    patches: [
      patch(
        'stores/store-session',
        'if (this.grant === null) return\n    this.grant = null',
        'if (this.grant === null) return',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R66: a grant that was fenced is never resumed, and the next one is above the fence',
    ),
  },
  {
    id: 'R66 next grant',
    does: 'starts a grant under the number that the fence has used',
    patches: [
      patch(
        'stores/store-session',
        'Math.max(record?.grant ?? 0, this.lastGrant) + 1',
        'Math.max(record?.grant ?? 1, this.lastGrant)',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R66: a grant that was fenced is never resumed, and the next one is above the fence',
    ),
  },
  {
    id: 'R66 own word first',
    does: 'starts a grant before the core knows that the older one is dead',
    patches: [
      patch(
        'stores/store-session',
        "this.options.answer({ kind: 'ack', round: renewal.round, grant: null, renewed: false })\n    }\n    this.seq",
        '}\n    this.seq',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R66: before a new grant can begin, nothing is reported under an older one any more',
    ),
  },
  {
    id: 'R66 older grants',
    does: 'goes on counting what a store promised under a grant that it has ended',
    patches: [
      patch(
        'core/sessions',
        'if (account.untilByGrant.size > 0) turn.voided = from\n  account.untilByGrant.clear()\n',
        '',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R66: what a store promised under an older grant counts no more when a newer one begins',
    ),
  },
  {
    id: 'R27 R66 later life',
    does: 'writes over the session of a later life of its process',
    patches: [
      patch(
        'stores/store-session',
        'if (record !== null && this.isOfAnother(record)) return this.giveWay(renewal, record)',
        '',
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy('mutants/stores', 'R27, R66: a record of a later life is left alone, and this life ends'),
  },
  {
    id: 'R67 fence',
    does: 'takes an election from a holder whose session has run out, without a fence',
    patches: [
      patch(
        'stores/store-observer',
        'return session.grant > election.holderGrant || session.inc > election.holderInc',
        'return session.grant > election.holderGrant || session.inc > election.holderInc || this.options.now() >= this.runsOutAt(election.holder)',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R7, R67: an election is not taken from a holder whose session stands unfenced, whether or not it ran out',
    ),
  },
  {
    id: 'R67 failed fence',
    does: 'takes a fence for done that a renewal has overtaken',
    patches: [
      patch(
        'stores/store-observer',
        "if (result.kind !== 'ok') return // lost the race, or unknown: the next reading shows which\n      sighting.version = result.version",
        "if (result.kind === 'ok') sighting.version = result.version",
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R67: a renewal that came first makes the fence fail, and then nothing is free',
    ),
  },
  {
    id: 'R67 early fence',
    does: 'fences a session that has not run out',
    patches: [
      patch(
        'stores/store-observer',
        'sighting.fencing || this.options.now() < this.runsOutAt(process)) return',
        'sighting.fencing) return',
      ),
    ],
    swarm: { profile: 'threeStores' },
    test: killedBy(
      'mutants/stores',
      'R67: a renewal that came first makes the fence fail, and then nothing is free',
    ),
  },
  {
    id: 'R67 height of the fence',
    does: 'fences above the grant of the session alone, which may have been lost and begun anew',
    patches: [
      patch(
        'stores/store-observer',
        'Math.max(sighting.record?.grant ?? 0, election.holderGrant) + 1',
        '(sighting.record?.grant ?? 0) + 1',
      ),
    ],
    swarm: { profile: 'forgetfulStore' },
    test: killedBy(
      'mutants/stores',
      'R67: the fence is above both the grant of the session and the one that the election names',
    ),
  },
  {
    id: 'R68 greater',
    does: 'takes a binding for over when the grant of its holder differs, also if it is lower',
    patches: [
      patch(
        'stores/store-observer',
        'return session.grant > election.holderGrant',
        'return session.grant !== election.holderGrant',
      ),
    ],
    swarm: { profile: 'forgetfulStore' },
    test: killedBy(
      'mutants/stores',
      'R68: a binding is over iff the grant of its holder is greater, or a later life; never because it differs',
    ),
  },
  {
    id: 'R68 reading order',
    does: 'judges a new holder by the session of the former one',
    patches: [
      patch(
        'stores/store-elections',
        'if (record.holder !== null && record.holder !== guess) {',
        'if (record.holder !== null && guess === null) {',
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy(
      'mutants/stores',
      'R68: the session that is judged is that of the holder that the same reading shows',
    ),
  },
  {
    id: 'R68 touch',
    does: 'releases without making a take of its own fail that may still be applied',
    patches: [
      patch(
        'stores/store-elections',
        'if (!this.unresolved.has(election) || own) return',
        'if (election !== null) return',
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy(
      'mutants/stores',
      'R68: a release that finds a take of its own unresolved writes anyway, so that the late take fails',
    ),
  },
  {
    id: 'R7 R68 active',
    does: 'takes an election whose holder lives',
    patches: [
      patch(
        'stores/store-elections',
        'judgeVote(slot, active && !voided, claim)',
        'judgeVote(slot, false, claim)',
      ),
    ],
    swarm: { profile: 'oneStore' },
    test: killedBy(
      'mutants/stores',
      'R7, R67: an election is not taken from a holder whose session stands unfenced, whether or not it ran out',
    ),
  },
  {
    id: 'R6 R68 second leader',
    does: 'binds over the record of another announced leader of the same term',
    patches: [
      patch(
        'stores/store-elections',
        "if (verdict !== 'bind') return { grant: null, refusal: 'term', record }",
        "if (verdict === 'term') return { grant: null, refusal: 'term', record }",
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R6: a record that another announced leader of the same term holds is not bound over, and that is reported',
    ),
  },
  {
    id: 'R21 R68 certificate',
    does: 'lets a certificate void the record of a later term',
    patches: [
      patch(
        'stores/store-elections',
        'record.holderInc === certificate.incarnation &&\n    record.term <= certificate.term',
        'record.holderInc === certificate.incarnation',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R21: a certificate voids exactly the binding of that life up to its term',
    ),
  },
  {
    id: 'R71 R66 end',
    does: 'ends its session at a store without a fence',
    patches: [
      patch(
        'stores/store-session',
        'if (this.grant === null || record === null || !this.known) {\n      finish()',
        'if (this.ended) {\n      finish()',
      ),
    ],
    swarm: null,
    test: killedBy(
      'mutants/stores',
      'R71: a session that ends fences itself, so that one write frees every election',
    ),
  },
]
