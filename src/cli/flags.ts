/**
 * Options of subcommands as tables: read from a command line, shown in the help, completed by shells.
 *
 * Every refusal is one sentence that names the option and what it takes. Decides nothing about what they mean.
 */
import { parseArgs } from 'node:util'
import { UsageError } from './command'

/** One option. */
export interface Flag {
  /** What stands for its value in the help; without it the option is a switch. */
  readonly value?: string
  /** What it does, its default and its unit; a line of the help each. */
  readonly summary: string
  /** Everything that it takes. */
  readonly choices?: readonly string[]
  /** Its value is the name of a file or directory. */
  readonly isPath?: true
}

/** Options of a command, by name, without the dashes. */
export type Flags = Readonly<Record<string, Flag>>

/** What was given: text for those that take a value, true for switches. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]?: F[K] extends { readonly value: string } ? string : boolean
}

/** Reads a command line that consists of these options alone. @throws UsageError */
export function parseFlags<F extends Flags>(args: readonly string[], flags: F): FlagValues<F> {
  return parseWithNames(args, flags, 0).values
}

/** The same with up to that many words that are no options. @throws UsageError */
export function parseWithNames<F extends Flags>(
  args: readonly string[],
  flags: F,
  most: number,
): { readonly values: FlagValues<F>; readonly names: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  try {
    const read = parseArgs({ args: [...args], options, strict: true, allowPositionals: most > 0 })
    const { positionals: names } = read
    if (names.length > most) throw new UsageError(`what is ${JSON.stringify(names[most])} meant to be?`)
    const values = read.values as FlagValues<F>
    for (const [name, { choices }] of Object.entries(flags)) {
      const value = values[name]
      if (choices === undefined || value === undefined || choices.includes(value as string)) continue
      throw new UsageError(`--${name} takes one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`)
    }
    return { values, names }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const [sentence = ''] = (error as Error).message.split(/\. (?=To )/)
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`)
  }
}

/** The lines of a help that list these options. */
export function flagLines(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { value, summary }]) => {
    const option = `--${name}${value === undefined ? '' : ` ${value}`}`
    return [option, summary.split('\n')] as const
  })
  const width = Math.max(...rows.map(([option]) => option.length))
  return rows
    .flatMap(([option, lines]) =>
      lines.map((line, i) => `  ${(i === 0 ? option : '').padEnd(width)}  ${line}`),
    )
    .join('\n')
}

/** A value that has to be there. @throws UsageError */
export function required(name: string, value: string | undefined, example: string): string {
  if (value === undefined || value === '') throw new UsageError(`--${name} is missing: --${name} ${example}`)
  return value
}

/** A number that is not negative; null if it was not given. @throws UsageError */
export function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value) || value < 0) {
    throw new UsageError(`--${name} takes a number that is not negative, not ${JSON.stringify(text)}.`)
  }
  return value
}

/** A whole number within bounds; null if it was not given. @throws UsageError */
export function wholeOf(name: string, text: string | undefined, least: number, most: number): number | null {
  const value = numberOf(name, text)
  if (value === null) return null
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(
      `--${name} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`,
    )
  }
  return value
}
