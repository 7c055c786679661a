/**
 * Wake-ups from PostgreSQL: one connection that listens, for all watches of a store.
 *
 * Decides when to connect again. Only wakes: nothing depends on a notification, since each watcher also looks at its
 * heartbeat (R46). Must never reject, and never keep the process alive. Read next: `postgres.ts`.
 */
import type { CasWatch } from '../ports/cas-store'
import { Budget } from './within'

/** Opens a connected client that is used for nothing else. Called again after each loss. */
export type PgListen = () => Promise<PgListener>

/** The part of a `pg` client that listening needs; a client of a pool (`release`) or of one's own (`end`). */
export interface PgListener {
  query(text: string): Promise<unknown>
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error' | 'end', listener: () => void): unknown
  release?(destroy: boolean): void
  end?(): Promise<unknown>
}

interface Watch {
  readonly prefix: string
  readonly wake: (key: string | null) => void
}

/** Pause before a lost connection is opened again. */
const RECONNECT_MS = 1_000
/** Time for one attempt to connect. */
const CONNECT_MS = 10_000
/** A listener never sends, so only a question shows that its link is half-open. */
const PROBE_MS = 15_000

/** See the head of the file. The first watch connects, the last one to stop disconnects. */
export class PostgresListening {
  readonly #open: PgListen
  readonly #channel: string
  readonly #timeoutMs: number
  readonly #watches = new Set<Watch>()
  /** Ends the connection or the pause that is under way. */
  #interrupt: (() => void) | null = null
  #running = false

  constructor(open: PgListen, channel: string, timeoutMs: number) {
    this.#open = open
    this.#channel = channel
    this.#timeoutMs = timeoutMs
  }

  watch(prefix: string, wake: (key: string | null) => void): CasWatch {
    const watch = { prefix, wake }
    this.#watches.add(watch)
    if (!this.#running) void this.#run()
    return {
      stop: () => {
        this.#watches.delete(watch)
        if (this.#watches.size === 0) this.#interrupt?.()
      },
    }
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#watches.size > 0) {
      const opened = await new Budget('postgres', CONNECT_MS).run(() => this.#open(), close)
      if (opened.kind === 'done') {
        if (this.#watches.size > 0) await this.#listen(opened.value).catch(() => {})
        close(opened.value)
      }
      if (this.#watches.size > 0) await this.#pause(RECONNECT_MS)
    }
    this.#running = false
  }

  /** Resolves when the connection is of no more use. Rejects if it is none. */
  async #listen(client: PgListener): Promise<void> {
    let leave: () => void = () => {}
    const lost = new Promise<void>((resolve) => {
      leave = resolve
    })
    this.#interrupt = leave
    client.on('error', leave)
    client.on('end', leave)
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#wake(payload)
    })
    const ready = await new Budget('postgres', this.#timeoutMs).run(() =>
      client.query(`LISTEN "${this.#channel}"`),
    )
    if (ready.kind !== 'done') return
    // Whatever changed before the connection stood went unheard.
    this.#wake(null)
    const probe = setInterval(async () => {
      const alive = await new Budget('postgres', this.#timeoutMs).run(() => client.query('SELECT 1'))
      if (alive.kind !== 'done') leave()
    }, PROBE_MS)
    probe.unref()
    await lost
    clearInterval(probe)
  }

  #wake(key: string | null): void {
    for (const watch of this.#watches) if (key === null || key.startsWith(watch.prefix)) watch.wake(key)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      this.#interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Also when it is broken already; its errors after this are nobody's. */
function close(client: PgListener): void {
  const end = async () => {
    client.on('error', () => {})
    await (client.release === undefined ? client.end?.() : client.release(true))
  }
  end().catch(() => {})
}
