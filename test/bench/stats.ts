/** Figures of a series: n, min, p50, p99, max, as one line. Shared by the benches. */
export interface Summary {
  readonly n: number
  readonly min: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly mean: number
}

export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (p: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { n: values.length, min: at(0), p50: at(0.5), p99: at(0.99), max: at(1), mean }
}

const text = (x: number) => (x >= 1000 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2)).padStart(8)

export function line(label: string, values: readonly number[], unit: string): Summary {
  const s = summary(values)
  console.log(
    `${label.padEnd(52)} n ${String(s.n).padStart(4)}  min ${text(s.min)}  p50 ${text(s.p50)}  p99 ${text(s.p99)}  max ${text(s.max)} ${unit}`,
  )
  return s
}

export function head(title: string): void {
  console.log(`\n# ${title}`)
}

export function ratio(label: string, value: number, goal: string): void {
  console.log(`${label.padEnd(52)} ${value.toFixed(2)} x   (goal ${goal})`)
}

/** CPU of this process, ms. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
