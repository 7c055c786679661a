/**
 * Goal: a torn end is tolerated, damage never is. Method: every cut and every bit flip of a real journal.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileFence } from 'conclave/fencing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isElectionError } from '../../src/errors'
import { decodeJournal, encodeEntries, encodeHeader } from '../../src/fencing/journal-format'
import type { MarkEntry } from '../../src/fencing/marks'
import { scratch } from './helpers'

const RECORDS: MarkEntry[][] = [
  [
    ['mark', 'r', 7, 'a', 'invoices'],
    ['mark', '__proto__', 3, 'b', null],
  ],
  [
    ['mark', 'a "quoted" \\ name \u{1F512}', 2 ** 53 - 1, 'a', null],
    ['floor', 7, null, 'invoices'],
  ],
  [
    ['drop', 'r'],
    ['mark', 's@h', 8, 'node-2', 'invoices'],
  ],
]

/** The bytes of a journal with these records, and where each record ends. */
function journalOf(records: readonly (readonly MarkEntry[])[]): { bytes: Buffer; ends: number[] } {
  let { bytes, check } = encodeHeader()
  const ends = [bytes.length]
  for (const record of records) {
    const encoded = encodeEntries(check, record)
    bytes = Buffer.concat([bytes, encoded.bytes])
    check = encoded.check
    ends.push(bytes.length)
  }
  return { bytes, ends }
}

/** What decoding gives: the entries, or the code of the refusal. */
function read(bytes: Uint8Array): readonly MarkEntry[] | string {
  try {
    return decodeJournal(bytes).entries
  } catch (error) {
    if (isElectionError(error)) return error.code
    throw error
  }
}

describe('the journal´s format', () => {
  const { bytes, ends } = journalOf(RECORDS)

  it('gives back what was written', () => {
    expect(decodeJournal(bytes)).toEqual({ entries: RECORDS.flat(), torn: false })
  })

  it('P5: cut anywhere, it gives exactly the records that were whole', () => {
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const whole = ends.filter((end) => end <= cut).length
      const expected = whole === 0 ? 'ELECTION_STORAGE_CORRUPT' : RECORDS.slice(0, whole - 1).flat()
      expect(read(bytes.subarray(0, cut)), `cut at byte ${cut}`).toEqual(expected)
    }
  })

  it('P5: a torn end may also be followed by the zeros of an unfinished extension', () => {
    const zeros = Buffer.alloc(5_000)
    expect(decodeJournal(Buffer.concat([bytes, zeros]))).toEqual({ entries: RECORDS.flat(), torn: true })
    const torn = Buffer.concat([bytes.subarray(0, bytes.length - 9), zeros])
    expect(read(torn)).toEqual(RECORDS.slice(0, 2).flat())
  })

  it('P5: any single flipped bit is found', () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(read(flipped), `bit ${bit}`).toBe('ELECTION_STORAGE_CORRUPT')
    }
  })

  it('P5: a record that is missing, repeated, exchanged or of another journal is found', () => {
    const [header, first, second, third] = [0, ...ends].map((start, i) =>
      bytes.subarray(start, ends[i]),
    ) as Buffer[]
    const joined = (...parts: (Buffer | undefined)[]): Buffer => Buffer.concat(parts as Buffer[])
    for (const wrong of [
      joined(header, second, third),
      joined(header, first, first, second, third),
      joined(header, second, first, third),
      joined(first, second, third),
      joined(header, header),
      Buffer.concat([bytes, journalOf([[['mark', 'r', 9, 'a', null]]]).bytes]),
    ]) {
      expect(read(wrong)).toBe('ELECTION_STORAGE_CORRUPT')
    }
  })

  it('E6: what passes the checksum must still be entries', () => {
    const { check, bytes: header } = encodeHeader()
    const wrong: unknown[] = [
      [['mark', 'r', 0, 'a', null]],
      [['mark', 'r', 7, 'a']],
      [['mark', 'r', 7, 'a b', null]],
      [['mark', '', 7, 'a', null]],
      [['mark', 'r', 7, 'a', 'no spaces']],
      [['mark', 'r', '7', 'a', null]],
      [['floor', 7, 'a']],
      [['floor', 7, 7, null]],
      [['drop']],
      [['drop', 7]],
      [['erase', 'r']],
      [null],
      [{}],
      {},
      null,
      'text',
    ]
    for (const value of wrong) {
      const record = encodeEntries(check, value as MarkEntry[])
      expect(read(Buffer.concat([header, record.bytes]))).toBe('ELECTION_STORAGE_CORRUPT')
    }
  })

  it('E6: random bytes are refused with a typed error, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        expect(read(noise)).toBe('ELECTION_STORAGE_CORRUPT')
        expect([RECORDS.flat(), 'ELECTION_STORAGE_CORRUPT']).toContainEqual(
          read(Buffer.concat([bytes, noise])),
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('a file fence on a cut journal', () => {
  it('P5: crash at every byte of the last record: opens, keeps all that was confirmed, and goes on', async () => {
    const source = await scratch()
    const before = await fileFence({ dir: source })
    await before.check('r', { token: 7, holder: 'a', election: 'invoices' })
    await before.check('r', { token: 8, holder: 'b', election: 'invoices' })
    await before.close()
    const bytes = await readFile(join(source, 'fence.journal'))
    const start = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1
    const target = await scratch()
    for (let cut = start; cut <= bytes.length; cut += 1) {
      const dir = join(target, String(cut))
      await mkdir(dir)
      await writeFile(join(dir, 'fence.journal'), bytes.subarray(0, cut))
      const fence = await fileFence({ dir })
      const seen = cut === bytes.length ? { token: 8, holder: 'b' } : { token: 7, holder: 'a' }
      expect(await fence.highest('r')).toEqual({ ...seen, election: 'invoices' })
      await fence.check('r', { token: 9, holder: 'c' })
      await fence.close()
      expect(decodeJournal(await readFile(join(dir, 'fence.journal'))).torn).toBe(false)
    }
  })

  it('A3: a damaged journal is refused and stays as it is', async () => {
    const dir = await scratch()
    const before = await fileFence({ dir })
    await before.check('r', { token: 7, holder: 'a' })
    await before.close()
    const path = join(dir, 'fence.journal')
    const bytes = await readFile(path)
    bytes[bytes.length - 5]! ^= 1
    await writeFile(path, bytes)
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(fileFence({ dir })).rejects.toMatchObject({ code: 'ELECTION_STORAGE_CORRUPT' })
      expect(await readFile(path)).toEqual(bytes)
    }
  })
})
