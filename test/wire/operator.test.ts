/** Goal: commands and answers keep to their form and size, and an answer in pieces comes back whole or not at all (E5, E6). */
import { describe, expect, it } from 'vitest'
import {
  cutReply,
  decodeCommand,
  decodeReplyPiece,
  encodeCommand,
  encodeReplyPiece,
  MAX_COMMAND_BYTES,
  MAX_REPLY_BYTES,
  ReplyReader,
} from '../../src/wire'

describe('commands of operators', () => {
  it('E6: come back as they were, to the last byte', () => {
    for (const payload of ['{}', 'ü"\n', 'x'.repeat(MAX_COMMAND_BYTES), '\ufeff{}']) {
      const body = encodeCommand({ id: 5, payload })
      expect(decodeCommand(body)).toStrictEqual({ ok: true, value: { id: 5, payload } })
      expect(decodeCommand(Uint8Array.of(...body, 0))).toMatchObject({ reason: 'trailing' })
      expect(decodeCommand(body.subarray(0, -1))).toMatchObject({ reason: 'truncated' })
    }
  })

  it('E5: empty ones, ones that are too long, and what is no UTF-8 are refused', () => {
    expect(() => encodeCommand({ id: 1, payload: '' })).toThrow('empty')
    expect(() => encodeCommand({ id: 1, payload: 'ü'.repeat(MAX_COMMAND_BYTES) })).toThrow('tooLong')
    const body = encodeCommand({ id: 1, payload: 'xx' })
    body[body.length - 1] = 0xff
    expect(decodeCommand(body)).toMatchObject({ ok: false, reason: 'badText' })
    const long = new Uint8Array(body)
    long.set([0, 1, 0, 0], 8)
    expect(decodeCommand(long)).toMatchObject({ ok: false, reason: 'tooLong' })
    long.set([0, 0, 0, 0], 8)
    expect(decodeCommand(long)).toMatchObject({ ok: false, reason: 'empty' })
  })
})

describe('answers in pieces', () => {
  const piecesOf = (payload: string) => cutReply(9, payload) ?? []

  it.each([1, 32_768, 32_769, MAX_REPLY_BYTES])('E5: an answer of %d bytes comes back whole', (length) => {
    const reader = new ReplyReader()
    const payload = 'y'.repeat(length)
    const taken = piecesOf(payload).map((piece) => {
      const read = decodeReplyPiece(encodeReplyPiece(piece))
      if (!read.ok) throw new Error(read.reason)
      const { bytes, ...rest } = read.value
      expect(rest).toStrictEqual({ id: 9, index: piece.index, isLast: piece.isLast })
      expect(Buffer.compare(bytes, piece.bytes)).toBe(0)
      return reader.take(piece)
    })
    expect(taken.at(-1)).toBe(payload)
    expect(taken.slice(0, -1).every((each) => each === null)).toBe(true)
  })

  it('a character that is cut between two pieces is one again', () => {
    const payload = `a${'€'.repeat(20_000)}`
    const reader = new ReplyReader()
    expect(
      piecesOf(payload)
        .map((piece) => reader.take(piece))
        .at(-1),
    ).toBe(payload)
  })

  it('E5: more than an answer may have is not cut, and not put together', () => {
    expect(cutReply(1, '')).toBeNull()
    expect(cutReply(1, 'z'.repeat(MAX_REPLY_BYTES + 1))).toBeNull()
    const reader = new ReplyReader()
    const bytes = new Uint8Array(32_768)
    const taken = Array.from({ length: 33 }, (_, index) =>
      reader.take({ id: 1, index, isLast: false, bytes }),
    )
    expect(taken.slice(0, 32).every((each) => each === null)).toBe(true)
    expect(taken[32]).toBe(false)
  })

  it('a piece that is missing or comes twice makes no answer, nor does what is no UTF-8', () => {
    const [first, second] = piecesOf('w'.repeat(40_000))
    if (first === undefined || second === undefined) throw new Error('two pieces')
    expect(new ReplyReader().take(second)).toBe(false)
    const twice = new ReplyReader()
    expect([twice.take(first), twice.take(first)]).toEqual([null, false])
    expect(new ReplyReader().take({ id: 1, index: 0, isLast: true, bytes: Uint8Array.of(0xff) })).toBe(false)
  })
})
