/**
 * A cluster as an operator reaches it: asks its members, all at once and each for itself, and routes what only one can do.
 *
 * A member that cannot be asked is part of the answer, with the reason, and never delays it beyond the time limit. Read
 * next: `survey.ts` (what becomes of the answers), `../transports/tcp-operator.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ElectionName, ProcessId } from '../core'
import { type Answer, type AnswerTo, readAnswer } from '../runtime/operator-answer'
import type { OperatorCommand } from '../runtime/operator-command'
import { isLoopback } from '../transports/tcp-address'
import { OperatorFailure, OperatorLine } from '../transports/tcp-operator'
import { OperatorIdentity } from '../transports/tcp-operator-identity'
import { parsePeerAddress } from '../transports/tcp-options'
import { UsageError } from './command'
import type { Connection } from './connection'
import type { MemberReport } from './survey'

/** Between two pages of one member: it refuses who asks faster. */
const PAGE_PAUSE_MS = 12

type Kind = OperatorCommand['command']
type CommandOf<C extends Kind> = Extract<OperatorCommand, { command: C }>

/** What a member said; `unreachable`, `refused`: it could not be asked. */
export type Said<T> = Answer<T>

/** One line to each member. */
export class OperatorCluster {
  readonly cluster: string
  readonly #lines = new Map<ProcessId, OperatorLine>()
  readonly #addresses: Readonly<Record<ProcessId, string>>

  /** Connects to nobody yet. @throws UsageError if the members or the credentials make no sense. */
  constructor({ cluster, members, credentials }: Connection) {
    this.cluster = cluster
    this.#addresses = members
    const { secret: secrets, tls } = credentials
    const [secret] = (Array.isArray(secrets) ? secrets : [secrets]) as (string | undefined)[]
    try {
      const identity = new OperatorIdentity({
        cluster,
        secret: secret === undefined ? null : Buffer.from(secret),
        tls: tls ?? null,
      })
      for (const [id, text] of Object.entries(members)) {
        const address = parsePeerAddress(text, `--members ${id}`)
        if (secret === undefined && tls === undefined && !isLoopback(address.host)) {
          throw new UsageError(
            `${text} is not on this host, and nothing proves who answers there: give --secret-file, CONCLAVE_SECRET, or --tls-ca, --tls-cert and --tls-key.`,
          )
        }
        this.#lines.set(id, new OperatorLine(identity, id, address))
      }
    } catch (error) {
      throw error instanceof UsageError ? error : new UsageError((error as Error).message)
    }
  }

  /** Ids of the members that are asked. */
  get members(): readonly ProcessId[] {
    return [...this.#lines.keys()]
  }

  /** Asks one member. Never rejects. */
  async ask<C extends Kind>(
    member: ProcessId,
    command: CommandOf<C>,
    timeoutMs: number,
  ): Promise<Said<AnswerTo<C>>> {
    const line = this.#lines.get(member)
    if (line === undefined) {
      return { ok: false, code: 'unreachable', message: `${member} is not among --members` }
    }
    try {
      return readAnswer(command.command as C, await line.ask(JSON.stringify(command), timeoutMs))
    } catch (error) {
      if (!(error instanceof OperatorFailure)) throw error
      return { ok: false, code: error.isRefusal ? 'refused' : 'unreachable', message: error.message }
    }
  }

  /** What every member says of itself and of its elections, in the order of `--members`. Never rejects. */
  survey(election: ElectionName | null, timeoutMs: number): Promise<readonly MemberReport[]> {
    return Promise.all(this.members.map((member) => this.#report(member, election, timeoutMs)))
  }

  /** All pages of what a member remembers. Never rejects. */
  async history(
    member: ProcessId,
    election: ElectionName | null,
    timeoutMs: number,
  ): Promise<Said<AnswerTo<'history'>['elections']>> {
    const pages = await this.#pages(member, { command: 'history', ...only(election) }, timeoutMs)
    return pages.ok ? { ok: true, value: pages.value.flatMap(({ elections }) => elections) } : pages
  }

  /** Ends all connections. */
  close(): void {
    for (const line of this.#lines.values()) line.close()
  }

  async #report(id: ProcessId, election: ElectionName | null, timeoutMs: number): Promise<MemberReport> {
    const address = this.#addresses[id] ?? ''
    // the second question finds the connection made: what it takes is the way there and back
    const pages = await this.#pages(id, { command: 'status', ...only(election) }, timeoutMs)
    if (!pages.ok) return { id, address, why: pages.message, code: pages.code, answer: null }
    const [first] = pages.value
    if (first === undefined) return { id, address, why: 'it said nothing', code: 'malformed', answer: null }
    const elections = pages.value.flatMap((page) => page.elections)
    const askedAt = performance.now()
    const again = await this.ask(id, { command: 'status', election: elections[0]?.name ?? '-' }, timeoutMs)
    const roundTripMs = again.ok ? performance.now() - askedAt : null
    return { id, address, why: null, code: null, answer: { status: first.status, elections, roundTripMs } }
  }

  async #pages<C extends 'status' | 'history'>(
    member: ProcessId,
    command: CommandOf<C>,
    timeoutMs: number,
  ): Promise<Said<AnswerTo<C>[]>> {
    const pages: AnswerTo<C>[] = []
    let after: number | null = 0
    while (after !== null) {
      if (pages.length > 0) await sleep(PAGE_PAUSE_MS)
      const said: Said<AnswerTo<C>> = await this.ask<C>(member, { ...command, after }, timeoutMs)
      if (!said.ok) return said
      const next: number | null = said.value.next
      pages.push(said.value)
      // whoever names no later page forever would keep the operator busy
      after = next !== null && next > after ? next : null
    }
    return { ok: true, value: pages }
  }
}

function only(election: ElectionName | null): { election?: ElectionName } {
  return election === null ? {} : { election }
}
