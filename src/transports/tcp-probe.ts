/**
 * How far away a member is: connects, says `hello`, waits for the `challenge`, and hangs up.
 *
 * Needs no secret, since these two messages give nothing away but versions and random bytes (`tcp-handshake.ts`). A member
 * that expects TLS does not answer them: then only the time of the connect is known. Read next: `tcp-dial.ts`.
 */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import {
  decodeOpening,
  encodeOpening,
  FRAME_KINDS,
  MAX_GREETING_FRAME_BYTES,
  type VersionRange,
} from '../wire'
import type { Address } from './tcp-address'
import { FrameReader, openPlain, plainFrame } from './tcp-frames'

/** The two messages are the same in all versions, so whoever says no more than these speaks every one. */
const EVERY: VersionRange = { oldest: 1, newest: 255 }

/** What was seen of a member. */
export interface Probe {
  /** Until the kernel of the other end took the connection, ms: a round trip. */
  readonly connectMs: number
  /** From `hello` to `challenge`, ms: a round trip through its event loop. Null: it did not answer in the clear. */
  readonly answerMs: number | null
  /** Protocol versions that it speaks; null without an answer. */
  readonly versions: VersionRange | null
}

/** One probe. Rejects with the reason if nobody accepts a connection in time. `now`: any monotonic clock, ms. */
export function probe(address: Address, timeoutMs: number, now: () => number): Promise<Probe> {
  return new Promise((resolve, reject) => {
    let began = now()
    let connectMs: number | null = null
    const socket = connect({ ...address, noDelay: true })
    const end = (answer: Omit<Probe, 'connectMs'> | null, why: string): void => {
      clearTimeout(timer)
      socket.destroy()
      if (connectMs === null) reject(new Error(why))
      else resolve({ connectMs, ...(answer ?? { answerMs: null, versions: null }) })
    }
    const timer = setTimeout(() => end(null, 'no connection in time'), timeoutMs)
    // Where a name has several addresses and none answers, the error has a code and no message.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(null, error.message || (error.code ?? error.name)),
    )
    socket.on('close', () => end(null, 'the connection was closed at once'))
    socket.on('lookup', () => {
      began = now() // the time of the resolver is not that of the network
    })
    const reader = new FrameReader(MAX_GREETING_FRAME_BYTES)
    socket.once('connect', () => {
      const helloAt = now()
      connectMs = helloAt - began
      socket.write(plainFrame(FRAME_KINDS.hello, encodeOpening({ ...EVERY, nonce: randomBytes(32) })))
      socket.on('data', (chunk) => {
        const isFramed = reader.push(chunk, (frame) => {
          const { kind, body } = openPlain(frame)
          const opening = kind === FRAME_KINDS.challenge ? decodeOpening(body) : null
          const { oldest = 0, newest = 0 } = opening?.ok ? opening.value : {}
          end(newest === 0 ? null : { answerMs: now() - helloAt, versions: { oldest, newest } }, '')
          return false
        })
        if (!isFramed) end(null, '')
      })
    })
  })
}
