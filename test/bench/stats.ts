/**
 * How benches report: series as one line each with n, min, p50, p99, max, single values and ratios beside their goals.
 *
 * Whatever is reported is kept, too: `main.ts --json` prints all of it as one object, which `compare.ts` reads. Benches call
 * nothing but these, so that no figure is missing there.
 */

/** Figures of a series. */
export interface Summary {
  readonly n: number
  readonly min: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly mean: number
}

/** One reported figure. A unit of `x` or one that ends in `/s` is better when it is more, any other when it is less. */
export interface Figure extends Summary {
  readonly section: string
  readonly label: string
  readonly unit: string
  readonly goal: string | null
}

const figures: Figure[] = []
let section = ''
let isSilent = false

/** From now on figures are kept and nothing is printed. */
export function keepOnly(): void {
  isSilent = true
}

/** Everything that was reported so far. */
export function reported(): readonly Figure[] {
  return figures
}

/** Prints a line that is no figure. */
export function say(line: string): void {
  if (!isSilent) console.log(line)
}

export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (p: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { n: values.length, min: at(0), p50: at(0.5), p99: at(0.99), max: at(1), mean }
}

const text = (x: number) => (x >= 1000 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2)).padStart(8)

/** A series. */
export function line(label: string, values: readonly number[], unit: string, goal?: string): Summary {
  const s = summary(values)
  keep(label, s, unit, goal)
  say(
    `${label.padEnd(52)} n ${String(s.n).padStart(4)}  min ${text(s.min)}  p50 ${text(s.p50)}  p99 ${text(s.p99)}  max ${text(s.max)} ${unit}${goal === undefined ? '' : `   (goal ${goal})`}`,
  )
  return s
}

/** A single value. */
export function value(label: string, measured: number, unit: string, goal?: string): void {
  keep(label, summary([measured]), unit, goal)
  say(
    `${label.padEnd(52)} ${text(measured).trimStart()} ${unit}${goal === undefined ? '' : `   (goal ${goal})`}`,
  )
}

/** A result over its floor, of the same run. */
export function ratio(label: string, measured: number, goal: string): void {
  value(label, measured, 'times', goal)
}

/** What follows belongs to that. */
export function head(title: string): void {
  section = title
  say(`\n# ${title}`)
}

/** CPU of this process, ms. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function keep(label: string, s: Summary, unit: string, goal: string | undefined): void {
  figures.push({ section, label, unit, goal: goal ?? null, ...s })
}
