/** Every kind of part with every value that the wire allows, for property tests; complete by its type. */
import fc from 'fast-check'
import type { Certificate, Part } from '../../src/core/messages'
import type { Refusal, Voter } from '../../src/core/types'
import { MAX_TERM } from '../../src/wire'

const chars = (alphabet: string, maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength }).map((list) => list.join(''))

/** Records with the ordinary prototype, as `toStrictEqual` demands. */
function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const id = chars(`${LETTERS}._-`, 64)
const election = fc.oneof(chars(`${LETTERS}._:-`, 128), fc.constantFrom('e1', 'e2', 'e3', '@members'))
const whole = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER))
const term = fc.oneof(fc.integer({ min: 0, max: MAX_TERM }), fc.constantFrom(0, 1, MAX_TERM))
const promiseMs = fc.oneof(
  fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }),
  fc.constantFrom(2000, 0.5, Number.MIN_VALUE, Number.MAX_VALUE),
)
const grant = fc.oneof(
  fc.tuple(whole, whole).map(([a, b]) => `${a}.${b}`),
  chars(`${LETTERS}.:-`, 48),
  fc.constantFrom('0.0', '00.1', '9999999999999999.1', '1.9007199254740992', 's-12', '1.2.3'),
)
const refusals: Record<Refusal, true> = {
  bound: true,
  term: true,
  boot: true,
  recovering: true,
  session: true,
  leading: true,
  config: true,
  floor: true,
  storage: true,
  ended: true,
  limit: true,
  paused: true,
}
const refusal = fc.constantFrom(...(Object.keys(refusals) as Refusal[]))
const priority = fc.integer({ min: -1_000, max: 1_000 })
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
const certificate: fc.Arbitrary<Certificate> = plain({
  leader: id,
  storageId: id,
  incarnation: whole,
  term,
})

const pause = {
  counter: term,
  by: id,
  isPaused: fc.boolean(),
  leader: fc.constantFrom('stays' as const, 'stepsDown' as const),
  sinceMs: whole,
}
const voters: fc.Arbitrary<readonly Voter[]> = fc.array(
  plain<Voter>({
    id,
    kind: fc.constant('peer'),
    storageId: orNull(id),
    address: orNull(chars(`${LETTERS}.:[]-`, 128)),
  }),
  { minLength: 1, maxLength: 9 },
)

type ByKind = { readonly [K in Part['kind']]: fc.Arbitrary<Extract<Part, { kind: K }>> }

const kind = <K extends Part['kind']>(name: K) => fc.constant(name)

/** One arbitrary per kind. */
export const partsByKind: ByKind = {
  heartbeat: plain({
    kind: kind('heartbeat'),
    round: whole,
    promiseMs,
    probe: fc.boolean(),
    prompt: fc.boolean(),
  }),
  ack: plain({ kind: kind('ack'), round: whole, grant: orNull(grant), renewed: fc.boolean() }),
  bind: plain({ kind: kind('bind'), election, term }),
  bindAck: plain({ kind: kind('bindAck'), election, term, grant: orNull(grant), knownTerm: term }),
  release: plain({ kind: kind('release'), election, term, successor: orNull(id) }),
  releaseAck: plain({ kind: kind('releaseAck'), election, term }),
  contend: plain({
    kind: kind('contend'),
    election,
    contending: fc.boolean(),
    priority,
  }),
  contendAck: plain({ kind: kind('contendAck'), election, contending: fc.boolean() }),
  preVote: plain({ kind: kind('preVote'), election, term, nonce: whole }),
  preVoteReply: plain({
    kind: kind('preVoteReply'),
    election,
    nonce: whole,
    refusal: orNull(refusal),
    knownTerm: term,
    leader: orNull(id),
  }),
  requestVote: plain({
    kind: kind('requestVote'),
    election,
    term,
    nonce: whole,
    certificate: orNull(certificate),
  }),
  voteReply: plain({
    kind: kind('voteReply'),
    election,
    term,
    nonce: whole,
    grant: orNull(grant),
    refusal: orNull(refusal),
    knownTerm: term,
    leader: orNull(id),
  }),
  timeoutNow: plain({ kind: kind('timeoutNow'), election, storageId: id, certificate }),
  sessionEnd: plain({ kind: kind('sessionEnd') }),
  deathNotice: plain({
    kind: kind('deathNotice'),
    process: id,
    storageId: id,
    incarnation: whole,
    key: fc.stringMatching(/^[0-9a-f]{32}$/),
  }),
  floorRequest: plain({ kind: kind('floorRequest'), nonce: whole }),
  floorReply: plain({
    kind: kind('floorReply'),
    nonce: whole,
    recovering: fc.boolean(),
    together: fc.boolean(),
    term,
  }),
  readTerm: plain({ kind: kind('readTerm'), election, nonce: whole }),
  readTermReply: plain({ kind: kind('readTermReply'), election, nonce: whole, term }),
  pause: plain({ kind: kind('pause'), election, ...pause }),
  pauseAck: plain({ kind: kind('pauseAck'), election, ...pause }),
  config: plain({
    kind: kind('config'),
    cluster: plain({ term, version: whole, termFloor: term, voters }),
  }),
  configAck: plain({
    kind: kind('configAck'),
    term,
    version: whole,
    membersTerm: term,
    maxTerm: term,
    maxPromiseMs: promiseMs,
  }),
  notice: plain({
    kind: kind('notice'),
    election,
    knownTerm: term,
    leader: orNull(id),
    free: fc.boolean(),
    successor: orNull(id),
    number: whole,
    standing: fc.array(plain({ process: id, priority }), { maxLength: 8 }),
  }),
  noticeAck: plain({ kind: kind('noticeAck'), election, number: whole }),
}

const stamped = <T extends Part>(part: fc.Arbitrary<T>): fc.Arbitrary<Part> =>
  fc.tuple(part, plain({ term, version: whole })).map(([each, config]) => ({ ...each, config }))
const { heartbeat, ack, preVote, requestVote, readTermReply } = partsByKind

/** Any part. */
export const anyPart: fc.Arbitrary<Part> = fc.oneof(
  ...(Object.values(partsByKind) as fc.Arbitrary<Part>[]),
  ...[stamped(heartbeat), stamped(ack), stamped(preVote), stamped(requestVote), stamped(readTermReply)],
)
