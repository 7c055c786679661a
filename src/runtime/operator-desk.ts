/**
 * Does what operators ask of this process: reads status and history, resigns, pauses, resumes (USERS 22).
 *
 * A command does nothing that the service could not do itself through `Election`, and is refused for the same reasons. No
 * election is opened by it. What changes something is logged at info, with the operator that asked for it. Never throws, and
 * answers each command once. Read next: `operator-command.ts` (what can be asked), `elector.ts`.
 */
import type { ElectionName, ProcessId } from '../core'
import { isElectionError } from '../errors'
import type { Logger } from '../ports/logger'
import type { Election } from './api'
import type { OperatorReply } from './driver-options'
import {
  changes,
  MAX_PAGE,
  type OperatorCommand,
  type OperatorsOption,
  readCommand,
  refusal,
} from './operator-command'
import { describe, printable } from './printable'
import type { Seat } from './seat'
import { electionSummary, leaseRemainingMs, type ProcessStatus } from './status'

/** What the desk sees of its elector. */
export interface DeskParts {
  readonly logger: Logger
  readonly operators: OperatorsOption
  readonly status: () => ProcessStatus
  readonly seats: ReadonlyMap<ElectionName, Seat>
  readonly now: () => number
}

/** Commands of one process. */
export class OperatorDesk {
  constructor(private readonly parts: DeskParts) {}

  /** Judges what an operator says and does it; answers at once, or when it is done. */
  command(from: ProcessId, payload: string, reply: OperatorReply): void {
    const { logger, operators } = this.parts
    const refuse = (code: 'malformed' | 'permissionDenied', why: string): void =>
      reply(refusal(code, why), code)
    const command = readCommand(payload)
    if (command === null) return refuse('malformed', 'this is no command that this version knows')
    if (operators !== 'all' && changes(command)) {
      return refuse('permissionDenied', `operators may only ask here (operators: '${operators}')`)
    }
    const fields = { operator: printable(from), ...command }
    if (changes(command)) logger.info(fields, 'an operator commands')
    else logger.debug(fields, 'an operator asks')
    this.run(command).then(
      (value) => reply(JSON.stringify({ ok: true, value }), null),
      (error: unknown) => {
        const code = isElectionError(error) ? error.code : error instanceof Unknown ? error.code : 'failed'
        reply(refusal(code, error instanceof Error ? error.message : describe(error)), null)
      },
    )
  }

  private async run(command: OperatorCommand): Promise<unknown> {
    switch (command.command) {
      case 'status': {
        const { names, next } = this.page(command)
        const entry = (name: ElectionName): unknown => {
          return command.election === undefined ? this.entry(name) : detail(this.known(name))
        }
        return { status: this.parts.status(), elections: names.map(entry), next }
      }
      case 'history': {
        const { names, next } = this.page(command)
        return { elections: names.map((name) => this.past(name)), next }
      }
      case 'resign': {
        const { election, command: _, ...options } = command
        return this.known(election).resign(definedOf(options))
      }
      case 'pause': {
        const { election, command: _, ...options } = command
        return this.known(election).pause(definedOf(options))
      }
      case 'resume': {
        const { election, command: _, ...options } = command
        return this.known(election).resume(definedOf(options))
      }
    }
  }

  private known(name: ElectionName): Election {
    const seat = this.parts.seats.get(name)
    if (seat === undefined) throw new Unknown(name)
    return seat.election
  }

  /** The election that was asked for, or those that come behind the first `after`, in the order in which they were opened. */
  private page({ election, after = 0 }: Extract<OperatorCommand, { command: 'status' | 'history' }>): {
    readonly names: readonly ElectionName[]
    readonly next: number | null
  } {
    const { seats } = this.parts
    if (election !== undefined) return { names: seats.has(election) ? [election] : [], next: null }
    const names: ElectionName[] = []
    let at = 0
    for (const name of seats.keys()) {
      at += 1
      if (at > after) names.push(name)
      if (names.length === MAX_PAGE) break
    }
    return { names, next: at < seats.size ? at : null }
  }

  private entry(name: ElectionName): unknown {
    const { seats, now } = this.parts
    const seat = seats.get(name) as Seat
    return {
      name,
      ...electionSummary(seat),
      leaseRemainingMs: leaseRemainingMs(seat, now()),
      paused: seat.paused,
    }
  }

  private past(name: ElectionName): unknown {
    const { leaderships, leaders, ended } = (this.parts.seats.get(name) as Seat).history
    return { name, history: leaderships, leaders, ended }
  }
}

/** This process has no election of that name. */
class Unknown extends Error {
  readonly code = 'unknownElection'

  constructor(name: ElectionName) {
    super(`this process has no election "${name}"`)
  }
}

/** One election in full; what it shares with the others is said once. */
function detail(election: Election): unknown {
  const { process: _, ...rest } = election.status()
  return rest
}

/** Without the options that were not given. */
function definedOf<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> }
}
