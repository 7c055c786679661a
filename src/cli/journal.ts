/**
 * What a command that runs on tells whoever reads its log: sentences for people, or a JSON object per line as pino writes.
 *
 * Decides the form alone. Progress and results go to the one stream, what is wrong to the other; JSON goes to one stream,
 * as its reader sorts by `level`.
 */
import type { Logger } from '../ports/logger'
import { systemClock } from '../runtime/system-clock'
import type { Terminal } from './terminal'

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const

/** Where such a command writes. */
export interface Journal extends Logger {
  /** What it was started for: a sentence, and the same as fields. */
  tell(sentence: string, fields: object): void
}

/** Sentences for people, or with `json` an object per line that also carries `base`. */
export function journalOn(terminal: Terminal, json: boolean, base: object): Journal {
  if (!json) {
    return {
      debug() {},
      info() {},
      warn: (fields, message) => terminal.complain(`${message}: ${JSON.stringify(plain(fields))}`),
      error: (fields, message) => terminal.complain(`${message}: ${JSON.stringify(plain(fields))}`),
      tell: (sentence) => terminal.print(sentence),
    }
  }
  const clock = systemClock({ unref: true })
  const line =
    (level: keyof typeof LEVELS) =>
    (fields: object, msg: string): void =>
      terminal.print(
        JSON.stringify({ level: LEVELS[level], time: clock.wall(), ...base, ...plain(fields), msg }),
      )
  return {
    debug() {},
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    tell: (sentence, fields) => line('info')(fields, sentence),
  }
}

/** Errors have no properties of their own that JSON would show. */
function plain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error
        ? { type: value.name, code: (value as { code?: string }).code, message: value.message }
        : value,
    ]),
  )
}
