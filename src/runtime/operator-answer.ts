/**
 * The answers of members to operators, as an operator reads them: judged like commands, but a member may say more than this
 * version knows, so that a newer one can be asked. Not part of the library: only the command line reads answers.
 *
 * Read next: `operator-desk.ts` (who gives them).
 */
import * as z from 'zod'
import { jsonOf, MAX_PAGE, type OperatorCommand } from './operator-command'
import { printable } from './printable'

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
  protocolVersion: at.nullish(),
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
