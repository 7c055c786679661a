#!/usr/bin/env node
/**
 * `conclave`: the program behind `npx conclave`. Connects the command line (`run.ts`) to this process, and nothing else.
 */
import { run } from './run'
import { systemTerminal } from './terminal'

run(process.argv.slice(2), systemTerminal(process)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(error)
    process.exitCode = 70
  },
)
