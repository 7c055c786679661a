/** Columns of text, and colours where somebody looks. Pure. */

/** One column: its head, and whether its cells are numbers. */
export interface Column {
  readonly head: string
  readonly isNumber?: true
}

/** Lines of a table, without blanks at their ends. */
export function tableOf(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ head }, at) =>
    Math.max(head.length, ...rows.map((row) => (row[at] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ isNumber }, at) => {
        const cell = cells[at] ?? ''
        const width = widths[at] ?? 0
        return isNumber === true ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(columns.map(({ head }) => head)), ...rows.map(line)]
}

/** How a line is meant. */
type Tone = 'plain' | 'head' | 'good' | 'bad' | 'dim'

/** A line of a view, and how it is meant. */
export interface ToneLine {
  readonly text: string
  readonly tone: Tone
}

const CODES: Readonly<Record<Exclude<Tone, 'plain'>, number>> = { head: 1, good: 32, bad: 31, dim: 2 }

/** The line as a terminal shows it; without colour its text. */
export function painted({ text, tone }: ToneLine, hasColour: boolean): string {
  return hasColour && tone !== 'plain' && text !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text
}

/** Colours are for people: not in a pipe, and not for who said that they do not want them (no-color.org). */
export function coloursFor(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
}

/** A whole number with its thousands apart. */
export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

const CALENDAR = new Intl.DateTimeFormat('en', {
  timeZone: 'UTC',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})

/** A reading of a wall clock as UTC, to the millisecond; as it is if no calendar has it: it comes from somebody else. */
export function timeOf(ms: number): string {
  if (!(Math.abs(ms) <= 8.64e15)) return String(ms)
  const part = Object.fromEntries(CALENDAR.formatToParts(ms).map(({ type, value }) => [type, value]))
  const { year, month, day, hour, minute, second, fractionalSecond } = part
  return `${year}-${month}-${day} ${hour}:${minute}:${second}.${fractionalSecond}Z`
}
