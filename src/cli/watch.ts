/**
 * `conclave watch`: the status again and again, until a signal. On a terminal the picture stays and only lines that changed
 * are drawn; anywhere else each change is a line, and no control code is ever written. Touches this process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../runtime/system-clock'
import { type Command, EXIT } from './command'
import { flagLines, parseFlags, wholeOf } from './flags'
import { helpOf, OPERATOR_FLAGS, withOperations } from './open-operations'
import type { Operations } from './operations'
import { fitted, redraw } from './redraw'
import { statusLines } from './status-table'
import type { Survey } from './survey'
import { changesBetween } from './survey-changes'
import { coloursFor, painted, timeOf } from './table'
import type { Terminal } from './terminal'

const TIMEOUT_MS = 2_000
const EVERY_MS = 1_000

const FLAGS = {
  ...OPERATOR_FLAGS,
  'every-ms': { value: 'MS', summary: 'from one look to the next (default: 1,000; at least 100)' },
} as const

/** The subcommand. */
export const watch: Command = {
  summary: 'the status as it changes, until Ctrl-C',
  help: helpOf(
    'watch --cluster NAME --members LIST [options]',
    `On a terminal the tables of conclave status, of which only what changed is drawn again. In a pipe a line per change, with the
time of this host; with --json the whole status as one line per change.`,
    flagLines(FLAGS),
    'Waits 2,000 ms for each answer by default. Ends with SIGINT or SIGTERM: exit code 0. 2: wrong call.',
  ),
  flags: FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, FLAGS)
    const everyMs = wholeOf('every-ms', values['every-ms'], 100, 3_600_000) ?? EVERY_MS
    const show =
      values.json === true ? asJson(terminal) : terminal.isTerminal ? asPicture() : asLines(terminal)
    return withOperations(values, TIMEOUT_MS, (operations) =>
      look(operations, values.election ?? null, everyMs, show),
    )
  },
}

type Show = (survey: Survey) => void

async function look(
  operations: Operations,
  election: string | null,
  everyMs: number,
  show: Show,
): Promise<number> {
  const over = new AbortController()
  const ended = new Promise<null>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(null), { once: true })
  })
  const end = (): void => over.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  // whoever reads has gone: there is nobody to show anything to
  process.stdout.once('error', end)
  try {
    while (!over.signal.aborted) {
      const survey = await Promise.race([operations.survey(election), ended])
      if (survey === null) break
      show(survey)
      await sleep(everyMs, null, { signal: over.signal }).catch(() => null)
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
    process.stdout.off('error', end)
  }
  return EXIT.ok
}

function asPicture(): Show {
  const hasColour = coloursFor(true, process.env)
  let before: readonly string[] = []
  return (survey) => {
    const { columns = 80, rows = 24 } = process.stdout
    const lines = statusLines(survey)
    const texts = fitted(
      lines.map(({ text }) => text),
      { columns, rows },
    )
    const after = texts.map((text, at) => painted({ text, tone: lines[at]?.tone ?? 'plain' }, hasColour))
    process.stdout.write(redraw(before, after))
    before = after
  }
}

function asLines(terminal: Terminal): Show {
  const clock = systemClock({ unref: true })
  let before: Survey | null = null
  return (survey) => {
    for (const change of changesBetween(before, survey)) terminal.print(`${timeOf(clock.wall())} ${change}`)
    before = survey
  }
}

function asJson(terminal: Terminal): Show {
  let before: Survey | null = null
  return (survey) => {
    if (before === null || changesBetween(before, survey).length > 0) terminal.print(JSON.stringify(survey))
    before = survey
  }
}
