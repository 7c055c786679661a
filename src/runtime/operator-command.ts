/**
 * What operators can ask of a process, and what it answers: the texts behind the commands of the wire, judged at both ends.
 *
 * A text comes from a stranger: whatever is not exactly one of these commands is refused, and nothing of it is run. Answers
 * are judged by the operator in the same way, but may say more than it knows, so that a newer member can be asked. Does
 * nothing by itself. Read next: `operator-desk.ts`.
 */
import * as z from 'zod'
import { MAX_TIMER_MS } from './deadline'
import { printable } from './printable'

/** Who may command a process: everybody who proves to belong to the cluster; only who asks; nobody. */
export type OperatorsOption = 'all' | 'read' | 'none'

/** Elections in one answer at most; the others are asked for with `after`: as many are left out. */
export const MAX_PAGE = 250

const election = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/)
const process = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const duration = z.number().min(0).max(MAX_TIMER_MS).optional()
const page = { after: z.number().int().min(0).optional(), election: election.optional() }

const command = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('status'), ...page }),
  z.strictObject({ command: z.literal('history'), ...page }),
  z.strictObject({
    command: z.literal('resign'),
    election,
    to: process.optional(),
    cooldownMs: duration,
    timeoutMs: duration,
  }),
  z.strictObject({
    command: z.literal('pause'),
    election,
    leader: z.enum(['stays', 'stepsDown']).optional(),
    timeoutMs: duration,
  }),
  z.strictObject({ command: z.literal('resume'), election, timeoutMs: duration }),
])

/** One command. */
export type OperatorCommand = z.infer<typeof command>

/** Why a command was not done: one of the library's error codes, or one of the desk's own. */
export type OperatorRefusal = 'malformed' | 'permissionDenied' | 'unknownElection' | 'notRunning' | 'tooLarge'

/** The command of a text, or null if it is none. Never throws. */
export function readCommand(payload: string): OperatorCommand | null {
  const read = command.safeParse(jsonOf(payload))
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

/** Texts of members are printed on terminals: whatever is not printable is escaped. */
const text = z.string().max(2_000).transform(printable)
const name = z.string().max(200).transform(printable)
const at = z.number()
const role = name
const summary = z.looseObject({
  name,
  role,
  isLeader: z.boolean(),
  leader: name.nullable(),
  term: at,
  token: at.nullable(),
  isContending: z.boolean(),
  isHealthy: z.boolean().nullable(),
  isPaused: z.boolean(),
  leaseRemainingMs: at,
  paused: z.looseObject({ by: name, sinceMs: at, leader: name }).nullable(),
  /** Only of an election that was asked for by name. */
  whyNotLeader: z.array(text).max(64).optional(),
})
const member = z.looseObject({
  id: name,
  kind: name,
  isSelf: z.boolean(),
  address: name.nullable(),
  isAlive: z.boolean(),
  isConnected: z.boolean(),
  roundTripMs: at.nullable(),
})
const status = z.looseObject({
  status: z.looseObject({
    id: name,
    cluster: name,
    memberKind: name,
    phase: name,
    members: z.array(member).max(64),
    membership: z.looseObject({ term: at, version: at }).nullable(),
    warnings: z.array(text).max(64),
  }),
  elections: z.array(summary).max(MAX_PAGE),
  next: at.nullable(),
})
const history = z.looseObject({
  elections: z
    .array(
      z.looseObject({
        name,
        history: z.array(z.looseObject({ term: at, wonAtMs: at, heldMs: at, reason: name })).max(64),
        leaders: z.array(z.looseObject({ leader: name, term: at, seenAtMs: at })).max(64),
        ended: z.record(z.string(), at),
      }),
    )
    .max(MAX_PAGE),
  next: at.nullable(),
})
const handOver = z.looseObject({
  released: z.boolean(),
  term: at.nullable(),
  leader: name.nullable(),
  leaderTerm: at.nullable(),
  leaderlessMs: at.nullable(),
  failure: name.nullable(),
})
const pauseResult = z.looseObject({
  isPaused: z.boolean(),
  leader: name.nullable(),
  leaderStays: z.boolean(),
  voters: z.array(name).max(64),
})

/** What each command is answered with. */
export const ANSWERS = { status, history, resign: handOver, pause: pauseResult, resume: pauseResult } as const

/** The answer to a command, as the operator reads it. */
export type AnswerTo<C extends OperatorCommand['command']> = z.infer<(typeof ANSWERS)[C]>

/** An answer that was read: what was asked for, or why not. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly message: string }

const refused = z.looseObject({ ok: z.literal(false), code: name, message: text })
const granted = z.looseObject({ ok: z.literal(true), value: z.unknown() })

/** The answer in a text; one that cannot be read is a refusal, too. Never throws. */
export function readAnswer<C extends OperatorCommand['command']>(
  command: C,
  payload: string,
): Answer<AnswerTo<C>> {
  const value = jsonOf(payload)
  const no = refused.safeParse(value)
  if (no.success) return { ok: false, code: no.data.code, message: no.data.message }
  const yes = granted.safeParse(value)
  const read = yes.success ? ANSWERS[command].safeParse(yes.data.value) : null
  if (read?.success === true) return { ok: true, value: read.data as AnswerTo<C> }
  return { ok: false, code: 'malformed', message: 'its answer cannot be read' }
}

function jsonOf(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}
