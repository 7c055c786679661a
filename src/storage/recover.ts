/**
 * From the bytes of two slots to the state of a process, or to the reason why they cannot be trusted. Pure.
 *
 * The writer (`file.ts`) does one write at a time. A slot holds its label, then one snapshot, then changes in a row. A
 * write appends one change to the slot in use or, when that is full and always as the first write of a life, puts a
 * snapshot at the head of the *other* slot. Write n names in every sector the write `after` which it came, that is the
 * newest one that was acknowledged. What that gives, with R = the newest write that can be read in full:
 *
 * 1. Crash before, in or after write n, at any byte, sectors arriving in any order. Everything acknowledged lies in
 *    blocks that n does not touch, in a slot whose snapshot n does not touch. So the last acknowledged write a is
 *    readable, R >= a. If n is readable in full, R = n: it was asked for, it may count. If not, R = a.
 * 2. An acknowledged write b with a later one begun (in either slot) was damaged, so that R < b. Some sector of the
 *    later write says `after` >= b > R: no crash leaves that, it is corruption. The same tells a slot file that lost
 *    its tail, was swapped for an old copy, or was cut off, as long as one sector of a later write can be read.
 * 3. The last acknowledged write itself was damaged, nothing came after it. Its tags are all there (a disk never tears
 *    a sector, and each was written), its digest is wrong: corruption. A tag that is damaged alone does no harm, for an
 *    intact digest needs no tags.
 *
 * What cannot be told from here: the last write damaged in payload and tag of one sector at once looks like a torn one;
 * a disk that lied about its last flush, or a whole directory put back from a backup, is an honest older state. Peers
 * notice the last two by their pins (R27). Remains of a torn write never mislead: its number is not used again, and the
 * next write goes to the other slot.
 * Read next: `frame.ts`, `file.ts`.
 */
import type { DurableState, ElectionName, ProcessRecord, Term } from '../core/types'
import { BLOCK_BYTES, readEvidence, readFrame } from './frame'
import { decodeBody } from './record'

/** Byte of a slot where its frames begin; the block before is the label. */
export const FRAMES_AT = BLOCK_BYTES

/** What two slots hold, or why they are not to be trusted. */
export type Recovery =
  | {
      readonly ok: true
      readonly state: DurableState
      /** Which of the two slots holds it. */
      readonly slot: 0 | 1
      /** Number of the newest readable write. */
      readonly durable: number
      /** Number of the newest write that was begun: the next one is higher. */
      readonly begun: number
    }
  | { readonly ok: false; readonly reason: string }

/** Never throws, whatever the bytes are. */
export function recover(slots: readonly [Buffer, Buffer]): Recovery {
  const replays = [replay(slots[0]), replay(slots[1])] as const
  const slot = replays[0].sequence >= replays[1].sequence ? 0 : 1
  const { sequence, process, terms } = replays[slot]
  for (const { fault } of replays) if (fault !== null) return { ok: false, reason: fault }
  if (process === null) return { ok: false, reason: 'neither slot holds a readable snapshot' }

  const evidence = slots.map((bytes) => readEvidence(bytes, FRAMES_AT))
  const needed = Math.max(...evidence.map(({ durable }) => durable))
  if (sequence < needed) {
    return { ok: false, reason: `write ${needed} was acknowledged, but only ${sequence} can be read` }
  }
  for (const { rotten } of replays) {
    if (rotten > sequence)
      return { ok: false, reason: `write ${rotten} is complete, but its digest is wrong` }
  }
  const begun = Math.max(sequence, ...evidence.map((each) => each.begun))
  return { ok: true, state: { process, terms }, slot, durable: sequence, begun }
}

/** What the frames of one slot add up to. */
interface Replay {
  /** Of its last intact frame in a row, or 0. */
  readonly sequence: number
  readonly process: ProcessRecord | null
  readonly terms: ReadonlyMap<ElectionName, Term>
  /** Sequence number of the complete frame with a wrong digest at which reading stopped, or 0. */
  readonly rotten: number
  /** An intact frame says something that cannot be. */
  readonly fault: string | null
}

function replay(slot: Buffer): Replay {
  const terms = new Map<ElectionName, Term>()
  let process: ProcessRecord | null = null
  let sequence = 0
  for (let at = FRAMES_AT; ; ) {
    const reading = readFrame(slot, at)
    if (reading.state !== 'intact') {
      const rotten = reading.state === 'rotten' ? reading.sequence : 0
      return { sequence, process, terms, rotten, fault: null }
    }
    const { frame, bytes } = reading
    const linked = frame.kind === 'change' && frame.after === sequence && frame.sequence > sequence
    // Behind the last frame there may be intact ones of the slot's former use: they follow on something else.
    if (at !== FRAMES_AT && !linked) return { sequence, process, terms, rotten: 0, fault: null }
    const change =
      at === FRAMES_AT && frame.kind !== 'snapshot' ? 'it is no snapshot' : decodeBody(frame.body)
    const wrong = typeof change === 'string' ? change : faultOfSnapshot(at, change.process)
    if (typeof change === 'string' || wrong !== null) {
      return { sequence, process, terms, rotten: 0, fault: `write ${frame.sequence}: ${wrong}` }
    }
    if (change.process !== undefined) process = change.process
    // Terms never go down, whatever the order of the writes was.
    for (const [name, term] of change.terms) terms.set(name, Math.max(term, terms.get(name) ?? 0))
    sequence = frame.sequence
    at += bytes
  }
}

function faultOfSnapshot(at: number, process: ProcessRecord | undefined): string | null {
  return at === FRAMES_AT && process === undefined ? 'a snapshot without the record of the process' : null
}
