/**
 * Goal: `conclave witness` refuses what makes no sense, with a sentence and exit code 2, and its secret never stands in a command
 * line. Method: the command in this process; what it does once it runs: `../real/small-clusters.test.ts`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONNECTION, readConnection } from '../../src/cli/connection'
import { parseFlags } from '../../src/cli/flags'
import { journalOn } from '../../src/cli/journal'
import { COMMANDS } from '../../src/cli/run'
import { call, MemoryTerminal } from './memory-terminal'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'conclave-witness-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const MEMBERS = 'a=10.0.0.1:7400,b=10.0.0.2:7400,w=10.0.0.3:7400'
const WHOLE = `witness --cluster orders --id w --members ${MEMBERS} --data-dir nowhere`

describe('conclave witness', () => {
  it.each([
    ['witness', '--cluster is missing'],
    ['witness --cluster orders', '--members is missing'],
    [`witness --cluster orders --members ${MEMBERS}`, '--id is missing'],
    [`witness --cluster orders --id w --members ${MEMBERS}`, '--data-dir is missing'],
    [WHOLE.replace('w=', ''), '"10.0.0.3:7400" is none'],
    [WHOLE.replace('w=', 'a='), 'names "a" twice'],
    [WHOLE.replace('--id w', '--id v'), 'id "v" is not among the voters a, b, w'],
    [`${WHOLE} --witnesses a`, '--witnesses has to name w, too'],
    [`${WHOLE} --witnesses a,w`, 'of 3 voters 1 may lead'],
    [`${WHOLE} --timing slow`, '--timing takes one of fast, default, relaxed, not "slow"'],
    [`${WHOLE} --promise-ms soon`, '--promise-ms takes a number'],
    [`${WHOLE} --max-observers 1.5`, '--max-observers takes a whole number'],
    [`${WHOLE} --listen here`, 'is no address'],
    [`${WHOLE} --tls-ca ca.pem`, '--tls-cert, --tls-key is missing'],
    [`${WHOLE} --secret-file /nowhere/secret`, '--secret-file cannot be read: ENOENT'],
    [
      `${WHOLE} --secret-file ${join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.gitignore')}`,
      'a secret has at least 16 bytes, this one has',
    ],
    [`${WHOLE} --secret hush`, "Unknown option '--secret'"],
  ])('%s: refused', async (line, words) => {
    const { code, complaints } = await call(line)
    expect(complaints[0]).toContain(words)
    expect(code).toBe(2)
  })

  it('reads secrets from a file before the environment, one per line', () => {
    const file = join(dir, 'secret')
    writeFileSync(file, 'the new one, long enough\r\nthe old one, long enough\n')
    const args = ['--cluster', 'orders', '--members', MEMBERS]
    const read = (...more: string[]) =>
      readConnection(parseFlags([...args, ...more], CONNECTION), { CONCLAVE_SECRET: 'from the environment' })
    expect(read().credentials).toEqual({ secret: ['from the environment'] })
    expect(read('--secret-file', file).credentials).toEqual({
      secret: ['the new one, long enough', 'the old one, long enough'],
    })
    writeFileSync(file, '\n')
    expect(() => read('--secret-file', file)).toThrow('is empty')
    expect(read().members).toEqual({ a: '10.0.0.1:7400', b: '10.0.0.2:7400', w: '10.0.0.3:7400' })
  })
})

describe('the journal of a command that runs on', () => {
  it('is sentences, what is wrong on the other stream', () => {
    const terminal = new MemoryTerminal()
    const journal = journalOn(terminal, false, { id: 'w' })
    journal.tell('e: a leads, term 7', { term: 7 })
    journal.info({}, 'nobody asked')
    journal.warn({ peer: 'a' }, 'a link is down')
    expect(terminal.printed).toEqual(['e: a leads, term 7'])
    expect(terminal.complaints).toEqual(['a link is down: {"peer":"a"}'])
  })

  it('with --json is an object per line, errors included', () => {
    const terminal = new MemoryTerminal()
    const journal = journalOn(terminal, true, { id: 'w' })
    journal.tell('e: a leads, term 7', { term: 7 })
    journal.error({ err: Object.assign(new Error('no space'), { code: 'ENOSPC' }) }, 'the storage failed')
    const [told, failed] = terminal.printed.map((line) => JSON.parse(line))
    expect(told).toMatchObject({ level: 30, id: 'w', term: 7, msg: 'e: a leads, term 7' })
    expect(told.time).toBeGreaterThan(1_700_000_000_000)
    expect(failed).toMatchObject({ level: 50, err: { code: 'ENOSPC', message: 'no space' } })
    expect(terminal.complaints).toEqual([])
  })
})

describe('every command', () => {
  it.each(Object.entries(COMMANDS))('%s: its help names each of its options', (_, { help, flags }) => {
    for (const [name, { value }] of Object.entries(flags)) {
      expect(help).toContain(`--${name}${value === undefined ? '' : ` ${value}`}`)
    }
  })
})
