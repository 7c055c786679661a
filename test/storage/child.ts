/**
 * A process that does with one directory what it is told, line by line: `open` answers `open` or the code of the error
 * and the pid that it names, `close` answers `closed`. For the tests with real processes.
 */
import { createInterface } from 'node:readline'
import type { ElectionError } from '../../src/errors'
import { file } from '../../src/storage'

const [dir = ''] = process.argv.slice(2)
const identity = { clusterId: 'billing', nodeId: 'a', config: { term: 0, version: 1, termFloor: 0 } }
const storage = file({ dir })

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function open(): void {
  storage.open(identity, (error, state) => {
    if (error !== null) say(`${(error as ElectionError).code} ${(error as ElectionError).details['pid']}`)
    else say(`open ${state?.terms.get('e') ?? 0}`)
  })
}

/** Writes one term after the other, telling each that was acknowledged, until it is killed. */
function writeOn(term: number): void {
  storage.write({ terms: new Map([['e', term]]) }, (error) => {
    say(error === null ? `wrote ${term}` : String(error))
    if (error === null) writeOn(term + 1)
  })
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [order, argument] = line.split(' ')
  if (order === 'open') open()
  else if (order === 'write') writeOn(Number(argument))
  else if (order === 'close') storage.close(() => say('closed'))
  // Nothing holds the process now but the lock, which must not.
  else if (order === 'leave') process.stdin.destroy()
})
say('ready')
