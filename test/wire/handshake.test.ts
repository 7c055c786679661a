/** Goal: the messages before a session keep to their form and size; versions meet by the documented rule. */
import { describe, expect, it } from 'vitest'
import {
  CLOSE_REASONS,
  commonVersion,
  decodeClose,
  decodeGreeting,
  decodeOpening,
  decodeWelcome,
  encodeClose,
  encodeGreeting,
  encodeOpening,
  encodeWelcome,
  MAX_GREETING_FRAME_BYTES,
  PROOF_BYTES,
  type SignedGreeting,
} from '../../src/wire'

const longest: SignedGreeting = {
  clusterId: 'c'.repeat(64),
  nodeId: 'n'.repeat(64),
  storageId: 's'.repeat(64),
  incarnation: Number.MAX_SAFE_INTEGER,
  nonce: 'f'.repeat(32),
  rho: 0.999,
  deltaMs: 1e9,
  configTerm: 2 ** 53 - 2,
  configVersion: Number.MAX_SAFE_INTEGER,
}

describe('messages of the handshake', () => {
  it('E5: the longest greeting with its proof is within 512 bytes', () => {
    expect(encodeGreeting(longest).length + PROOF_BYTES + 5).toBeLessThanOrEqual(MAX_GREETING_FRAME_BYTES)
  })

  it('R24: a greeting comes back as it was', () => {
    expect(decodeGreeting(encodeGreeting(longest))).toStrictEqual({ ok: true, value: longest })
  })

  it('E6: greetings with impossible values are refused in both directions', () => {
    const changes: readonly Partial<SignedGreeting>[] = [
      { clusterId: '' },
      { nodeId: 'a/b' },
      { storageId: 'x'.repeat(65) },
      { incarnation: -1 },
      { incarnation: 2 ** 53 },
      { nonce: 'F'.repeat(32) },
      { nonce: 'f'.repeat(31) },
      { rho: 1 },
      { rho: -0.1 },
      { rho: Number.NaN },
      { deltaMs: -1 },
      { deltaMs: Number('1e400') },
      { configTerm: 2 ** 53 - 1 },
      { configVersion: 0.5 },
    ]
    for (const change of changes) {
      expect(() => encodeGreeting({ ...longest, ...change }), JSON.stringify(change)).toThrow()
    }
    const body = encodeGreeting(longest)
    new DataView(body.buffer).setFloat64(body.length - 32, 1)
    expect(decodeGreeting(body)).toMatchObject({
      ok: false,
      code: 'ELECTION_MESSAGE_INVALID',
      reason: 'badNumber',
    })
  })

  it('E6: bytes behind a message are refused', () => {
    expect(decodeWelcome(Uint8Array.from([...encodeWelcome(3), 0]))).toMatchObject({
      ok: false,
      reason: 'trailing',
    })
  })

  it('an opening of something else than this protocol is refused', () => {
    const body = encodeOpening({ oldest: 1, newest: 1, nonce: new Uint8Array(32) })
    body[0] = 0x47
    expect(decodeOpening(body)).toMatchObject({ ok: false, reason: 'unknownKind' })
    expect(decodeOpening(Buffer.from('GET / HTTP/1.1\r\nHost: somewhere.example\r\n\r\n'))).toMatchObject({
      ok: false,
    })
  })

  it('versions: a range that is upside down or starts at 0 is refused', () => {
    const nonce = new Uint8Array(32)
    expect(decodeOpening(encodeOpening({ oldest: 3, newest: 2, nonce }))).toMatchObject({ ok: false })
    expect(decodeOpening(encodeOpening({ oldest: 0, newest: 2, nonce }))).toMatchObject({ ok: false })
  })

  it('versions: two ends speak the smaller of their newest versions if both know it', () => {
    expect(commonVersion({ oldest: 1, newest: 2 }, { oldest: 2, newest: 5 })).toBe(2)
    expect(commonVersion({ oldest: 1, newest: 3 }, { oldest: 1, newest: 2 })).toBe(2)
    expect(commonVersion({ oldest: 1, newest: 1 }, { oldest: 2, newest: 3 })).toBe(null)
    expect(commonVersion({ oldest: 4, newest: 5 }, { oldest: 1, newest: 3 })).toBe(null)
  })

  it('every reason to close has one byte, and a byte beyond them is refused', () => {
    for (const reason of CLOSE_REASONS)
      expect(decodeClose(encodeClose(reason))).toEqual({ ok: true, value: reason })
    expect(decodeClose(Uint8Array.from([CLOSE_REASONS.length]))).toMatchObject({
      ok: false,
      reason: 'unknownKind',
    })
  })
})
