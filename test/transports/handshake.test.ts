/**
 * Goal: the handshake proves what its header says, and nothing that somebody on the way does makes either end believe
 * something else. Method: both ends as state machines, and an attacker who holds every frame in his hands.
 */
import { describe, expect, it } from 'vitest'
import type { Greeting } from '../../src/ports/transport'
import { plainFrame } from '../../src/transports/tcp-frames'
import {
  Handshake,
  type HandshakeContext,
  type HandshakeStep,
  type Judge,
} from '../../src/transports/tcp-handshake'
import { keysOf, prove } from '../../src/transports/tcp-keys'
import { encodeGreeting, encodeOpening, FRAME_KINDS, NEWEST_VERSION, OPERATOR_VERSION } from '../../src/wire'

const OLD = Buffer.from('the old secret of all')
const NEW = Buffer.from('the new secret of all')

const greeting = (nodeId: string, changes: Partial<Greeting> = {}): Greeting => ({
  clusterId: 'c',
  nodeId,
  storageId: `s-${nodeId}`,
  incarnation: 1,
  nonce: nodeId === 'a' ? 'a'.repeat(32) : 'b'.repeat(32),
  rho: 0.1,
  deltaMs: 2,
  configTerm: 0,
  configVersion: 0,
  ...changes,
})

interface EndSetup {
  readonly secrets?: readonly Buffer[]
  readonly local?: Greeting
  readonly judge?: Judge
}

let clock = 0

function context(
  id: string,
  { secrets = [OLD], local = greeting(id), judge = () => null }: EndSetup,
): HandshakeContext {
  return {
    local,
    keys: keysOf(secrets),
    judge,
    now: () => {
      clock += 1
      return clock
    },
  }
}

const dialler = (setup: EndSetup = {}) => new Handshake(context('a', setup), true)
const acceptor = (setup: EndSetup = {}) => new Handshake(context('b', setup), false)

/** What became of both ends, and every frame that was said, in order. */
interface Outcome {
  readonly dialler: HandshakeStep | null
  readonly acceptor: HandshakeStep | null
  readonly said: readonly Buffer[]
}

/** Runs a handshake to its end; `between` sees frame `n` (0 = hello) and says what arrives in its place. */
function run(
  d: Handshake,
  a: Handshake,
  between: (frame: Buffer, n: number) => Buffer = (frame) => frame,
): Outcome {
  const said: Buffer[] = []
  const last: { dialler: HandshakeStep | null; acceptor: HandshakeStep | null } = {
    dialler: null,
    acceptor: null,
  }
  let frame: Buffer | null = d.hello()
  let to: 'dialler' | 'acceptor' = 'acceptor'
  while (frame !== null) {
    const before: HandshakeStep | null = last[to]
    if (before !== null && before.kind !== 'continue') break
    said.push(frame)
    const step: HandshakeStep = (to === 'dialler' ? d : a).receive(between(frame, said.length - 1))
    last[to] = step
    frame = step.kind === 'closedByPeer' ? null : step.frame
    to = to === 'dialler' ? 'acceptor' : 'dialler'
  }
  return { ...last, said }
}

const frameOf = (step: HandshakeStep): Buffer => {
  if (step.kind !== 'continue') throw new Error(step.kind)
  return step.frame
}

const reasonOf = (step: HandshakeStep | null) =>
  step?.kind === 'refused'
    ? step.refusal.reason
    : step?.kind === 'closedByPeer'
      ? `told: ${step.reason}`
      : step?.kind

describe('E3: a handshake between honest ends', () => {
  it('E3: proves each to the other, and their session keys fit, one per direction', () => {
    const { dialler: d, acceptor: a, said } = run(dialler(), acceptor())
    expect(said).toHaveLength(5)
    if (d?.kind !== 'proven' || a?.kind !== 'proven') throw new Error('not proven')
    expect(d.peer).toStrictEqual(greeting('b'))
    expect(a.peer).toStrictEqual(greeting('a'))
    const forth = d.seals.outgoing.seal(6, Buffer.from('forth'))
    const back = a.seals.outgoing.seal(6, Buffer.from('back'))
    expect(d.seals.incoming.open(Buffer.from(forth))).toEqual({ ok: false, reason: 'unauthenticated' })
    expect(a.seals.incoming.open(forth)).toMatchObject({ ok: true, kind: 6, body: Buffer.from('forth') })
    expect(d.seals.incoming.open(back)).toMatchObject({ ok: true, kind: 6, body: Buffer.from('back') })
  })

  it('R64: the moment of the own greeting is before it was said and after the peer was heard', () => {
    clock = 100
    const { dialler: d, acceptor: a } = run(dialler(), acceptor())
    expect([d?.kind === 'proven' && d.greetedAt, a?.kind === 'proven' && a.greetedAt]).toEqual([102, 101])
  })

  it('E3: no frame is longer than 512 bytes', () => {
    const long = (id: string) =>
      greeting(id, { clusterId: 'c'.repeat(64), nodeId: id.repeat(64), storageId: 's'.repeat(64) })
    const { said } = run(dialler({ local: long('a') }), acceptor({ local: long('b') }))
    for (const frame of said) expect(frame.length).toBeLessThanOrEqual(512)
  })
})

describe('E3: secrets', () => {
  it('E3: without the secret nobody learns more than versions and a nonce', () => {
    const d = run(dialler({ secrets: [NEW] }), acceptor())
    expect([reasonOf(d.dialler), reasonOf(d.acceptor)]).toEqual(['told: unauthenticated', 'unauthenticated'])
    const seen = Buffer.concat([d.said[1]!, d.said[3]!]).toString('latin1')
    expect(seen).not.toMatch(/s-b/)
    expect(d.said[3]!.length).toBeLessThan(8)
  })

  it('E3: an impostor that listens learns nothing of the one who dials', () => {
    const d = dialler()
    const hello = d.hello()
    const impostor = acceptor({ secrets: [NEW] })
    const challenge = impostor.receive(hello)
    const proof = d.receive(challenge.kind === 'continue' ? challenge.frame : Buffer.alloc(5))
    const said = Buffer.concat([hello, proof.kind === 'continue' ? proof.frame : Buffer.alloc(0)])
    expect(said.toString('latin1')).not.toMatch(/s-a/)
    // He makes up a greeting, with a proof under his own secret.
    const forged = run(dialler(), acceptor({ secrets: [OLD] }), (frame, n) =>
      n === 3 ? greetingOf(run(dialler({ secrets: [NEW] }), acceptor({ secrets: [NEW] }))) : frame,
    )
    expect(reasonOf(forged.dialler)).toBe('unauthenticated')
  })

  it('E3: an end with a secret and one without do not meet, in either direction', () => {
    expect(reasonOf(run(dialler({ secrets: [] }), acceptor()).acceptor)).toBe('unauthenticated')
    expect(reasonOf(run(dialler(), acceptor({ secrets: [] })).acceptor)).toBe('unauthenticated')
  })

  it('E3: every step of a rotation keeps everybody connected', () => {
    const steps = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]]
    for (const [i, mine] of steps.entries()) {
      for (const theirs of steps.slice(Math.max(0, i - 1), i + 2)) {
        const outcome = run(dialler({ secrets: mine }), acceptor({ secrets: theirs }))
        expect([reasonOf(outcome.dialler), reasonOf(outcome.acceptor)]).toEqual(['proven', 'proven'])
      }
    }
    expect(reasonOf(run(dialler({ secrets: [NEW] }), acceptor({ secrets: [OLD] })).acceptor)).toBe(
      'unauthenticated',
    )
  })
})

describe('E3: somebody on the way', () => {
  it('E3: any bit that is changed in any frame is found by one of the ends', () => {
    const frames = run(dialler(), acceptor()).said
    for (let n = 0; n < frames.length; n++) {
      for (let bit = 32; bit < frames[n]!.length * 8; bit += 3) {
        const { dialler: d, acceptor: a } = run(dialler(), acceptor(), (frame, at) => {
          if (at !== n) return frame
          const changed = Buffer.from(frame)
          changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
          return changed
        })
        expect([n, bit, d?.kind === 'proven' && a?.kind === 'proven']).toEqual([n, bit, false])
      }
    }
  })

  it('E3: versions cannot be talked down: the ranges are under the proofs', () => {
    const wider = (frame: Buffer) => {
      const changed = Buffer.from(frame)
      changed[4 + 1 + 4 + 1] = 9
      return changed
    }
    const forth = run(dialler(), acceptor(), (frame, n) => (n === 0 ? wider(frame) : frame))
    expect(reasonOf(forth.acceptor)).toBe('unauthenticated')
    const back = run(dialler(), acceptor(), (frame, n) => (n === 1 ? wider(frame) : frame))
    expect(reasonOf(back.acceptor)).toBe('unauthenticated')
  })

  it('E3: frames of an earlier handshake are of no use in a later one', () => {
    const earlier = run(dialler(), acceptor()).said
    for (const n of [0, 1, 2, 3, 4]) {
      const { dialler: d, acceptor: a } = run(dialler(), acceptor(), (frame, at) =>
        at === n ? earlier[n]! : frame,
      )
      expect([n, d?.kind === 'proven' && a?.kind === 'proven']).toEqual([n, false])
    }
    // The whole of the earlier one, played to a new acceptor.
    const fresh = acceptor()
    fresh.receive(earlier[0]!)
    expect(reasonOf(fresh.receive(earlier[2]!))).toBe('unauthenticated')
  })

  it('E3: what an end says cannot be reflected to it', () => {
    // An attacker opens a connection to the end that dials him, and answers it with its own words.
    const d = dialler()
    const own = new Handshake(context('a', {}), false)
    const challenge = own.receive(d.hello())
    const proof = d.receive(challenge.kind === 'continue' ? challenge.frame : Buffer.alloc(5))
    if (proof.kind !== 'continue') throw new Error('no proof')
    expect(reasonOf(d.receive(proof.frame))).toBe('malformed')
    const relabelled = Buffer.from(proof.frame)
    relabelled[4] = FRAME_KINDS.greeting
    expect(['malformed', 'unauthenticated']).toContain(
      reasonOf(run(dialler(), acceptor(), (frame, n) => (n === 3 ? relabelled : frame)).dialler),
    )
    // A wire back to oneself proves oneself, and is refused by whom it proves.
    const judged: string[] = []
    const loop = run(
      dialler({
        judge: ({ nodeId }) => {
          judged.push(nodeId)
          return { reason: 'wrongIdentity', detail: '' }
        },
      }),
      new Handshake(context('a', {}), false),
    )
    expect([judged, reasonOf(loop.dialler)]).toEqual([['a'], 'wrongIdentity'])
  })

  it('E3: the greeting of one connection does not pass in another one of the same ends', () => {
    const other = run(dialler(), acceptor())
    const swapped = run(dialler(), acceptor(), (frame, n) => (n === 4 ? other.said[4]! : frame))
    expect(reasonOf(swapped.acceptor)).toBe('unauthenticated')
  })

  it('E3: frames out of their order are refused', () => {
    const said = run(dialler(), acceptor()).said
    for (const first of [1, 2, 3, 4]) expect(reasonOf(acceptor().receive(said[first]!))).toBe('malformed')
    for (const first of [0, 2, 3, 4]) {
      const d = dialler()
      d.hello()
      expect(reasonOf(d.receive(said[first]!))).toBe('malformed')
    }
  })
})

describe('E4: who is refused, and what he is told', () => {
  it('E4: a peer of other versions is told so before anything else', () => {
    const hello = plainFrame(
      FRAME_KINDS.hello,
      encodeOpening({ oldest: 7, newest: 9, nonce: new Uint8Array(32) }),
    )
    const step = acceptor().receive(hello)
    expect(reasonOf(step)).toBe('wrongVersion')
    const d = dialler()
    d.hello()
    expect(reasonOf(d.receive(step.kind === 'refused' ? step.frame! : Buffer.alloc(5)))).toBe(
      'told: wrongVersion',
    )
  })

  it('E4: an operator is part of version 2: one that speaks version 1 is told so, whatever it proves', () => {
    for (const [newest, outcome] of [
      [1, 'wrongVersion'],
      [2, 'proven'],
    ] as const) {
      let judged = 0
      const a = acceptor({
        judge: () => {
          judged += 1
          return null
        },
      })
      const [secret] = keysOf([OLD])
      if (secret === undefined) throw new Error('no keys')
      const hello = plainFrame(
        FRAME_KINDS.hello,
        encodeOpening({ oldest: 1, newest, nonce: new Uint8Array(32) }),
      )
      const said = [hello, frameOf(a.receive(hello))]
      said.push(plainFrame(FRAME_KINDS.proof, prove(secret, 'dialler proves', said)))
      said.push(frameOf(a.receive(said[2] as Buffer)))
      const own = encodeGreeting(greeting('operator'))
      const proof = prove(secret, 'operator greets', [...said, own])
      expect(reasonOf(a.receive(plainFrame(FRAME_KINDS.operator, own, proof)))).toBe(outcome)
      expect(judged, 'who is of no version is not judged').toBe(newest - 1)
    }
  })

  it('E4: an operator that finds a member of version 1 says what both speak and what to do', () => {
    const d = new Handshake({ ...context('a', {}), by: 'operator' }, true)
    d.hello()
    const challenge = plainFrame(
      FRAME_KINDS.challenge,
      encodeOpening({ oldest: 1, newest: 1, nonce: new Uint8Array(32) }),
    )
    expect(d.receive(challenge)).toMatchObject({
      refusal: {
        reason: 'wrongVersion',
        detail: `it speaks protocol version 1, this command versions ${OPERATOR_VERSION} to ${NEWEST_VERSION}: upgrade that member, or use the conclave of its release (wrongVersion)`,
      },
    })
  })

  it('E4: nobody is judged before the proof of his greeting was checked', () => {
    let judged = 0
    const judge: Judge = () => {
      judged += 1
      return null
    }
    run(dialler({ secrets: [NEW], judge }), acceptor({ judge }))
    for (const n of [2, 3]) {
      run(dialler({ judge }), acceptor({ judge }), (frame, at) => {
        if (at !== n) return frame
        const changed = Buffer.from(frame)
        changed[changed.length - 1] = (changed[changed.length - 1] as number) ^ 1
        return changed
      })
    }
    expect(judged).toBe(0)
    run(dialler({ judge }), acceptor({ judge }))
    expect(judged).toBe(2)
  })

  it('E4: a judgement against the peer ends it at either end, with the reason', () => {
    const refusal = { reason: 'wrongCluster', detail: '' } as const
    const byDialler = run(dialler({ judge: () => refusal }), acceptor())
    expect([reasonOf(byDialler.dialler), reasonOf(byDialler.acceptor)]).toEqual([
      'wrongCluster',
      'told: wrongCluster',
    ])
    const byAcceptor = run(dialler(), acceptor({ judge: () => refusal }))
    expect(reasonOf(byAcceptor.acceptor)).toBe('wrongCluster')
    // The dialler has its keys by then, so it is told under seal.
    const [d, a] = [byAcceptor.dialler, byAcceptor.acceptor]
    if (d?.kind !== 'proven' || a?.kind !== 'refused') throw new Error('unexpected')
    expect(d.seals.incoming.open(a.frame!)).toMatchObject({ ok: true, kind: FRAME_KINDS.close })
  })

  it('E6: garbage is refused and never throws', () => {
    for (let n = 0; n < 2_000; n++) {
      const frame = Buffer.alloc(5 + (n % 90), n)
      frame.writeUInt32BE(frame.length - 4, 0)
      frame[4] = n % 12
      expect(['refused', 'closedByPeer', 'continue']).toContain(acceptor().receive(frame).kind)
    }
  })
})

/** The acceptor's greeting of a handshake. */
function greetingOf({ said }: Outcome): Buffer {
  return said[3] as Buffer
}
