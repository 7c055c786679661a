/**
 * The answers of members to operators, as an operator reads them: judged like commands, but a member may say more than this
 * version knows, so that a newer one can be asked. Not part of the library: only the command line reads answers.
 *
 * Read next: `operator-desk.ts` (who gives them).
 */
import * as z from 'zod/mini'
import { jsonOf, MAX_PAGE, type OperatorCommand } from './operator-command'
import { printable } from './printable'

/** Texts of members are printed on terminals: whatever is not printable is escaped. */
const printed = (most: number) => z.pipe(z.string().check(z.maxLength(most)), z.transform(printable))
const text = printed(2_000)
const name = printed(200)
const at = z.number()
const list = <T extends z.ZodMiniType>(each: T, most = 64) => z.array(each).check(z.maxLength(most))
const role = name
const summary = z.looseObject({
  name,
  role,
  isLeader: z.boolean(),
  leader: z.nullable(name),
  term: at,
  token: z.nullable(at),
  isContending: z.boolean(),
  isHealthy: z.nullable(z.boolean()),
  isPaused: z.boolean(),
  leaseRemainingMs: at,
  paused: z.nullable(z.looseObject({ by: name, sinceMs: at, leader: name })),
  /** Only of an election that was asked for by name. */
  whyNotLeader: z.optional(list(text)),
})
const member = z.looseObject({
  id: name,
  kind: name,
  isSelf: z.boolean(),
  address: z.nullable(name),
  isAlive: z.boolean(),
  isConnected: z.boolean(),
  roundTripMs: z.nullable(at),
  protocolVersion: z.nullish(at),
})
const status = z.looseObject({
  status: z.looseObject({
    id: name,
    cluster: name,
    memberKind: name,
    phase: name,
    bootWaitMs: z.optional(at),
    members: list(member),
    membership: z.nullable(z.looseObject({ term: at, version: at })),
    warnings: list(text),
  }),
  elections: list(summary, MAX_PAGE),
  next: z.nullable(at),
})
const history = z.looseObject({
  elections: list(
    z.looseObject({
      name,
      history: list(z.looseObject({ term: at, wonAtMs: at, heldMs: at, reason: name })),
      leaders: list(z.looseObject({ leader: name, term: at, seenAtMs: at })),
      ended: z.record(z.string(), at),
    }),
    MAX_PAGE,
  ),
  next: z.nullable(at),
})
const handOver = z.looseObject({
  released: z.boolean(),
  term: z.nullable(at),
  leader: z.nullable(name),
  leaderTerm: z.nullable(at),
  leaderlessMs: z.nullable(at),
  failure: z.nullable(name),
})
const pauseResult = z.looseObject({
  isPaused: z.boolean(),
  leader: z.nullable(name),
  leaderStays: z.boolean(),
  voters: list(name),
})

/** What each command is answered with. */
const ANSWERS = { status, history, resign: handOver, pause: pauseResult, resume: pauseResult } as const

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
