/**
 * The runtime as the transport sees it: it never throws, it is told nothing after the end, and refusals are counted for
 * it and logged at a limited rate (E4, E9).
 *
 * Read next: `tcp-transport.ts`.
 */
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Admission, Greeting, RefusedReason, TransportHost } from '../ports/transport'

const LOG_INTERVAL_MS = 1_000
const MAX_LOG_KEYS = 1_024
/** Lines about refusals per interval, whatever their number of addresses. */
const MAX_LOG_LINES = 32
const MAX_TEXT = 200

/** Text of a peer or of the system, made safe for a log: control characters escaped, cut to 200 characters (E9). */
export function printable(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text
  return cut.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Stands between the transport and its host. */
export class QuietHost {
  readonly #host: TransportHost
  /** Refusal and remote address -> when it was last logged, and how many were not. */
  readonly #logged = new Map<string, { at: number; hidden: number }>()
  /** Lines since `#linesFrom`. */
  #lines = 0
  #linesFrom = Number.NEGATIVE_INFINITY
  #silent = false
  readonly refusals: Partial<Record<RefusedReason, number>> = {}

  constructor(host: TransportHost) {
    this.#host = host
  }

  get local(): Greeting {
    return this.#host.local
  }

  /** From now on the host hears nothing any more. */
  silence(): void {
    this.#silent = true
  }

  now(): number {
    return this.#host.now()
  }

  /** A host that fails to judge has not admitted anybody. */
  admit(greeting: Greeting): Admission {
    let admission: Admission = { ok: false, reason: 'unknownMember' }
    this.#tell('admit', () => {
      admission = this.#host.admit(greeting)
    })
    return admission
  }

  /** The same for an operator; nobody is let in by a host that knows of none. */
  admitOperator(greeting: Greeting): Admission {
    let admission: Admission = { ok: false, reason: 'permissionDenied' }
    this.#tell('operators.admit', () => {
      admission = this.#host.operators?.admit(greeting) ?? admission
    })
    return admission
  }

  command(from: ProcessId, payload: string, reply: (payload: string) => void): void {
    this.#tell('operators.command', () => this.#host.operators?.command(from, payload, reply))
  }

  connected(peer: Greeting, sentAt: number): void {
    this.#tell('connected', () => this.#host.connected(peer, sentAt))
  }

  closed(peer: ProcessId, incarnation: Incarnation, why: string): void {
    this.#tell('closed', () => this.#host.closed(peer, incarnation, printable(why)))
  }

  received(from: ProcessId, fromIncarnation: Incarnation, parts: readonly Part[]): void {
    this.#tell('received', () => this.#host.received(from, fromIncarnation, parts))
  }

  failed(error: Error): void {
    this.#tell('failed', () => this.#host.failed(error))
  }

  /** Counts a refusal; logs it at most once a second per reason and remote address, and 32 in all. */
  refused(reason: RefusedReason, remote: string, detail: string): void {
    this.refusals[reason] = (this.refusals[reason] ?? 0) + 1
    this.#tell('refused', () => this.#host.refused(reason))
    const key = `${reason} ${remote}`
    const now = this.now()
    const last = this.#logged.get(key)
    if (last !== undefined && now - last.at < LOG_INTERVAL_MS) {
      last.hidden += 1
      return
    }
    if (now - this.#linesFrom >= LOG_INTERVAL_MS) {
      this.#linesFrom = now
      this.#lines = 0
    }
    this.#lines += 1
    if (this.#lines > MAX_LOG_LINES) return
    if (this.#logged.size >= MAX_LOG_KEYS) this.#logged.clear()
    this.#logged.set(key, { at: now, hidden: 0 })
    const fields = {
      reason,
      remote: printable(remote),
      detail: printable(detail),
      unlogged: last?.hidden ?? 0,
    }
    this.#log('warn', fields, 'refused')
  }

  /** A line that is no refusal. */
  warn(fields: object, message: string): void {
    this.#log('warn', fields, message)
  }

  #log(level: 'warn' | 'error', fields: object, message: string): void {
    if (this.#silent) return
    try {
      this.#host.logger[level](fields, `tcp: ${message}`)
    } catch {
      // A logger that throws must not take the connection down with it.
    }
  }

  #tell(what: string, call: () => void): void {
    if (this.#silent) return
    try {
      call()
    } catch (error) {
      this.#log('error', { what, error: printable(String(error)) }, 'the host threw; it must not')
    }
  }
}
