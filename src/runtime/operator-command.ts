/**
 * What operators can ask of a process, and what it answers: the texts behind the commands of the wire, judged at both ends.
 *
 * A text comes from a stranger: whatever is not exactly one of these commands is refused, and nothing of it is run. Does
 * nothing by itself. Read next: `operator-desk.ts`, `operator-answer.ts` (how answers are read).
 */
import * as z from 'zod/mini'
import { printable } from './printable'
import { duration, lazily, oneOf } from './schema'

/** Who may command a process: everybody who proves to belong to the cluster; only who asks; nobody. */
export type OperatorsOption = 'all' | 'read' | 'none'

/** Elections in one answer at most; the others are asked for with `after`: as many are left out. */
export const MAX_PAGE = 250

const command = lazily(() => {
  const election = z.string().check(z.regex(/^[A-Za-z0-9._:-]{1,128}$/))
  const process = z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/))
  const page = { after: z.optional(z.int().check(z.gte(0))), election: z.optional(election) }
  const timeoutMs = duration()
  return z.discriminatedUnion('command', [
    z.strictObject({ command: z.literal('status'), ...page }),
    z.strictObject({ command: z.literal('history'), ...page }),
    z.strictObject({
      command: z.literal('resign'),
      election,
      to: z.optional(process),
      cooldownMs: duration(),
      timeoutMs,
    }),
    z.strictObject({
      command: z.literal('pause'),
      election,
      leader: oneOf('stays', 'stepsDown'),
      timeoutMs,
    }),
    z.strictObject({ command: z.literal('resume'), election, timeoutMs }),
  ])
})

/** One command. */
export type OperatorCommand = z.infer<ReturnType<typeof command>>

/** Why a command was not done: one of the library's error codes, or one of the desk's own. */
export type OperatorRefusal = 'malformed' | 'permissionDenied' | 'unknownElection' | 'failed'

/** The command of a text, or null if it is none. Never throws. */
export function readCommand(payload: string): OperatorCommand | null {
  const read = command().safeParse(jsonOf(payload))
  return read.success ? read.data : null
}

/** Does it change anything? What only asks is allowed with `operators: 'read'`. */
export function changes({ command }: OperatorCommand): boolean {
  return command !== 'status' && command !== 'history'
}

/** An answer that says why a command was not done. */
export function refusal(code: OperatorRefusal | string, message: string): string {
  return JSON.stringify({ ok: false, code, message: printable(message) })
}

/** What a text says as JSON; undefined if it is none. Never throws. */
export function jsonOf(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}
