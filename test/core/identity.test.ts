/**
 * Goal: a greeting is judged by identity alone (R24, R25, R27). Method: one known world, one greeting that differs from
 * the expected one in a single field, and the verdict.
 */
import { describe, expect, it } from 'vitest'
import { type Acquaintance, type Identity, judgeHello } from '../../src/core/identity'

const local: Identity = { clusterId: 'k', nodeId: 'a', storageId: 'sa', incarnation: 7, nonce: 'na' }
const hello: Identity = { clusterId: 'k', nodeId: 'b', storageId: 'sb', incarnation: 4, nonce: 'nb' }

function known(change: Partial<Acquaintance> = {}): Acquaintance {
  const isMember = (process: string): boolean => ['a', 'b', 'c'].includes(process)
  const storageOf = (): null => null
  const nobody = { admitsObservers: false, storageOf, pins: {}, lives: new Map(), ephemeral: false }
  return { local, isMember, ...nobody, ...change }
}

function reason(world: Acquaintance, greeting: Identity): string {
  const verdict = judgeHello(world, greeting)
  return verdict.ok ? 'ok' : verdict.reason
}

describe('judgeHello', () => {
  it('R25: the first greeting of a member is admitted and pins its storage and incarnation', () => {
    const verdict = judgeHello(known(), hello)
    expect(verdict).toEqual({ ok: true, pin: { storageId: 'sb', incarnation: 4 } })
  })

  it('R25: a greeting that is pinned already changes no pin', () => {
    const pins = { b: { storageId: 'sb', incarnation: 4 } }
    expect(judgeHello(known({ pins }), hello)).toEqual({ ok: true, pin: null })
  })

  it('R24: a higher incarnation of the pinned storage is a restart and moves the pin', () => {
    const pins = { b: { storageId: 'sb', incarnation: 3 } }
    const lives = new Map([['b', { storageId: 'sb', incarnation: 3, nonce: 'old' }]])
    const verdict = judgeHello(known({ pins, lives }), hello)
    expect(verdict).toEqual({ ok: true, pin: { storageId: 'sb', incarnation: 4 } })
  })

  it.each([
    ['R24: another cluster', { clusterId: 'other' }, 'wrongCluster'],
    ['R24: a process that is no member', { nodeId: 'z' }, 'unknownMember'],
    ['R49: an id that only begins like a member', { nodeId: 'b1' }, 'unknownMember'],
    ['a member named like a property of every object', { nodeId: '__proto__' }, 'unknownMember'],
    ['R27: the own id from another process', { nodeId: 'a' }, 'duplicateIdentity'],
    ['a link that leads back to this very process', { ...local }, 'wrongIdentity'],
    ['R44: incarnation 0', { incarnation: 0 }, 'malformed'],
    ['R44: an incarnation that is no safe integer', { incarnation: 2 ** 53 }, 'malformed'],
  ])('%s is refused', (_what, change, expected) => {
    expect(reason(known(), { ...hello, ...change })).toBe(expected)
  })

  it('R25: another storage under a pinned name is an amnesiac, however high its incarnation', () => {
    const pins = { b: { storageId: 'sb', incarnation: 4 } }
    const greeting = { ...hello, storageId: 'new', incarnation: 99 }
    expect(reason(known({ pins }), greeting)).toBe('amnesiac')
  })

  it('R27: an incarnation below the pinned one is an old copy of the disk', () => {
    const pins = { b: { storageId: 'sb', incarnation: 5 } }
    expect(reason(known({ pins }), hello)).toBe('staleIncarnation')
  })

  it('R27: the same incarnation under another nonce is a second process with that identity', () => {
    const pins = { b: { storageId: 'sb', incarnation: 4 } }
    const lives = new Map([['b', { storageId: 'sb', incarnation: 4, nonce: 'other' }]])
    expect(reason(known({ pins, lives }), hello)).toBe('duplicateIdentity')
    expect(reason(known({ pins, lives }), { ...hello, nonce: 'other' })).toBe('ok')
  })

  it('R28: where nobody has a storage a new storage id with a higher incarnation is a restart', () => {
    const pins = { b: { storageId: 'old', incarnation: 3 } }
    expect(judgeHello(known({ pins, ephemeral: true }), hello)).toEqual({
      ok: true,
      pin: { storageId: 'sb', incarnation: 4 },
    })
    const newer = { b: { storageId: 'old', incarnation: 5 } }
    expect(reason(known({ pins: newer, ephemeral: true }), hello)).toBe('staleIncarnation')
  })

  it('a pin inherited from a prototype is no pin', () => {
    const pins = Object.create({ b: { storageId: 'evil', incarnation: 9 } })
    expect(reason(known({ pins }), hello)).toBe('ok')
  })

  it('R49, R71: an observer has to be called after its own storage', () => {
    const storageId = '0123456789abcdef'.repeat(2)
    const observer = { ...hello, nodeId: `web-1.${storageId}`, storageId }
    const open = known({ admitsObservers: true })
    expect(judgeHello(open, observer), 'it has nothing to forget, so nothing is pinned').toEqual({
      ok: true,
      pin: null,
    })
    expect(reason(known(), observer), 'where none is let in').toBe('unknownMember')
    expect(reason(open, { ...observer, nodeId: 'web-1' })).toBe('unknownMember')
    expect(reason(open, { ...observer, storageId: 'f'.repeat(32) })).toBe('unknownMember')
    expect(reason(open, { ...observer, nodeId: 'web-1.x', storageId: 'x' })).toBe('unknownMember')
  })

  it('R27: a second live process with the storage of an observer is refused', () => {
    const storageId = 'ab'.repeat(16)
    const observer = { ...hello, nodeId: `web-1.${storageId}`, storageId }
    const lives = new Map([[observer.nodeId, { storageId, incarnation: 4, nonce: 'other' }]])
    expect(reason(known({ admitsObservers: true, lives }), observer)).toBe('duplicateIdentity')
    expect(reason(known({ admitsObservers: true, lives }), { ...observer, incarnation: 3 })).toBe(
      'staleIncarnation',
    )
  })
})
