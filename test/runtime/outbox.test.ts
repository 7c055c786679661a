/** Goal: one frame per process and turn, its parts in their order (R70). Method: parts put in by hand, and what comes out. */
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core'
import { noTransport } from '../../src/runtime/no-transport'
import { Outbox } from '../../src/runtime/outbox'

function bench() {
  const sent: [string, number, string[]][] = []
  const outbox = new Outbox({
    ...noTransport(),
    send: (to, incarnation, parts) => sent.push([to, incarnation, parts.map(({ kind }) => kind)]),
  })
  const add = (to: string, toIncarnation: number, ...kinds: readonly Part['kind'][]): void => {
    outbox.add({ type: 'send', to, toIncarnation, parts: kinds.map((kind) => ({ kind }) as Part) })
  }
  return { sent, outbox, add }
}

describe('Outbox', () => {
  it('R70: what one turn sends to one process is one frame, in order', () => {
    const { sent, outbox, add } = bench()
    add('b', 1, 'heartbeat', 'bind')
    add('c', 1, 'ack')
    add('b', 1, 'release')
    outbox.flush()
    outbox.flush()
    expect(sent).toEqual([
      ['b', 1, ['heartbeat', 'bind', 'release']],
      ['c', 1, ['ack']],
    ])
  })

  it('R24: what was meant for an earlier life of a process never joins what is meant for a later one', () => {
    const { sent, outbox, add } = bench()
    add('b', 1, 'heartbeat')
    add('b', 2, 'bind')
    outbox.flush()
    expect(sent).toEqual([['b', 2, ['bind']]])
  })

  it('R70: what is kept shares the frame of whatever follows to that process, and leaves without it at the end', () => {
    const { sent, outbox, add } = bench()
    const isAck = (parts: readonly Part[]): boolean => parts.every(({ kind }) => kind === 'ack')
    add('b', 1, 'ack')
    add('c', 1, 'bind')
    add('d', 1, 'ack')
    outbox.flush(({ parts }) => isAck(parts))
    expect(sent.splice(0)).toEqual([['c', 1, ['bind']]])
    add('b', 1, 'voteReply')
    outbox.flush(({ parts }) => isAck(parts))
    expect(sent.splice(0)).toEqual([['b', 1, ['ack', 'voteReply']]])
    outbox.flush()
    expect(sent).toEqual([['d', 1, ['ack']]])
  })

  it('cleared, it sends nothing', () => {
    const { sent, outbox, add } = bench()
    add('b', 1, 'heartbeat')
    outbox.clear()
    outbox.flush()
    expect(sent).toEqual([])
  })
})
