/** Writes the pictures that `conclave simulate` was asked for. Draws nothing itself: `simulation/picture` does. */
import { writeFileSync } from 'node:fs'
import { drawPage, drawSvg, type Plan, runPlan } from '../simulation'
import { UsageError } from './command'
import type { SimulateOptions } from './simulate-options'
import type { Terminal } from './terminal'

/**
 * Runs the plan once more, recording, and writes the files; nothing if none was asked for.
 *
 * @throws UsageError if a file cannot be written.
 */
export function drawPictures(
  plan: Plan,
  command: string,
  { html, svg, from: fromMs, to: toMs }: Pick<SimulateOptions, 'html' | 'svg' | 'from' | 'to'>,
  terminal: Terminal,
): void {
  if (html === null && svg === null) return
  const { story } = runPlan(plan, { record: true })
  if (story === null) return
  const window = [fromMs === null ? '' : ` --from ${fromMs}`, toMs === null ? '' : ` --to ${toMs}`].join('')
  if (svg !== null) {
    const titled = { ...story, command: `${command} --svg ${svg}${window}` }
    write(svg, drawSvg(titled, { fromMs, toMs }), terminal)
  }
  if (html !== null) {
    const titled = { ...story, command: `${command} --html ${html}${window}` }
    write(html, drawPage(titled, { fromMs, toMs }), terminal)
  }
}

function write(path: string, text: string, terminal: Terminal): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UsageError(`cannot write the picture: ${(error as Error).message}`)
  }
  terminal.print(`drawn: ${path}`)
}
