#!/usr/bin/env node
/**
 * `conclave`: the program behind `npx conclave`. Connects the command line (`run.ts`) to this process, and nothing else.
 */
import { run } from './run'
import { systemTerminal } from './terminal'

/** What was asked for could not be written, as `sysexits.h` numbers it. */
const IO_ERROR = 74

// whoever read has gone (`conclave status | head -1`): the rest is for nobody, and that is no failure
process.stdout.on('error', () => {})
process.stdout.once('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  process.exitCode = IO_ERROR
  console.error(`conclave: the output cannot be written: ${error.message}`)
})
process.stderr.on('error', () => {})

run(process.argv.slice(2), systemTerminal(process)).then(
  (code) => {
    process.exitCode ||= code
  },
  (error: unknown) => {
    console.error(error)
    process.exitCode = 70
  },
)
