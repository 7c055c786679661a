/**
 * The transport itself: options, credentials, listener and links put together, from start to end (E1, R52).
 *
 * All work is done in callbacks of sockets and timers, none of which lets an error out. Read next: `tcp-plan.ts` (what is
 * allowed), `tcp-links.ts` (who is connected), `tcp-handshake.ts` (what is proved).
 */
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import { ElectionError } from '../errors'
import type { Portable } from '../ports/portable'
import type { Transport, TransportHost, TransportStats } from '../ports/transport'
import { type Address, formatAddress, isLoopback } from './tcp-address'
import { Credentials } from './tcp-credentials'
import { QuietHost } from './tcp-host'
import { Links } from './tcp-links'
import { Listener } from './tcp-listener'
import type { Pem, TcpCredentials, TcpOptions, TcpSettings } from './tcp-options'
import { addressesOf, authenticates, exposure, planOf } from './tcp-plan'
import type { WitnessMeans } from './tcp-witness'

/** Times per `zombieMs` at which a connection is looked at (`Connection.tick`). */
const TICKS_PER_ZOMBIE = 3

const NO_TRAFFIC = { links: [], framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0 }

/** Peers over TCP. Made by `tcp()`. */
export class TcpTransport implements Transport {
  readonly #settings: TcpSettings
  readonly #credentials: Credentials
  #state: 'new' | 'starting' | 'running' | 'stopped' = 'new'
  #host: QuietHost | null = null
  #links: Links | null = null
  #listener: Listener | null = null
  #ticker: NodeJS.Timeout | null = null
  readonly #options: TcpOptions | null
  #relay: Parameters<NonNullable<Portable['relay']>>[0] | null = null
  #peers: Readonly<Record<ProcessId, Address>> = {}
  #told: ((means: WitnessMeans) => void) | null = null

  /**
   * Does no I/O. `options`: those that `settings` were read from, for a copy in another thread. @throws
   * ELECTION_CONFIG_INVALID if the certificates cannot be used.
   */
  constructor(settings: TcpSettings, options: TcpOptions | null = null) {
    this.#settings = settings
    this.#options = options
    this.#credentials = new Credentials(settings)
  }

  start(host: TransportHost, ready: (error: Error | null) => void): void {
    const listening = (error: Error | null) => {
      const failure = error ?? this.#begin()
      if (failure !== null) this.#halt()
      if (failure !== null) this.#listener?.close(() => ready(failure))
      if (failure === null || this.#listener === null) ready(failure)
    }
    try {
      if (this.#state !== 'new') throw failed('this transport was started before; make a new one with tcp()')
      this.#state = 'starting'
      this.#prepare(host)
    } catch (error) {
      process.nextTick(ready, error as Error)
      return
    }
    if (this.#listener === null) process.nextTick(listening, null)
    else this.#listener.listen(listening)
  }

  send(to: ProcessId, toIncarnation: Incarnation, parts: readonly Part[]): void {
    if (this.#state === 'running') this.#links?.send(to, toIncarnation, parts)
  }

  keepPeers(peers: readonly ProcessId[], addresses: Readonly<Record<ProcessId, string>>): void {
    const faulty = (peer: ProcessId, err: unknown) =>
      this.#host?.warn({ peer, err }, 'the address cannot be used')
    const known = addressesOf(this.#settings, addresses, faulty)
    this.#links?.keep({ wanted: peers, addresses: known })
    this.#meet(peers, known)
    this.#told?.(this.#means())
  }

  flushSync(): void {
    this.#links?.flushSync()
  }

  stop(flushMs: number, done: () => void): void {
    const listener = this.#listener
    this.#halt()
    // The listener is the last thing to go (R52): nobody may be refused before the last word has left.
    const close = () => (listener === null ? process.nextTick(done) : listener.close(done))
    if (this.#links === null) close()
    else this.#links.finish(flushMs, close)
  }

  /**
   * New secrets or certificates for connections from now on; sessions that stand are not touched, so no leadership is
   * lost. What is left out stays as it is. Authentication cannot be switched on or off.
   * @throws ELECTION_CONFIG_INVALID if they cannot be used; then nothing was changed.
   */
  reload(credentials: TcpCredentials): void {
    const relay = this.#relay
    if (relay !== null && credentials.tls?.identity !== undefined) {
      throw new ElectionError(
        'ELECTION_CONFIG_INVALID',
        'reload(): tls.identity is a function, which cannot reach the worker (worker: true); leave it out',
        { details: { option: 'tls.identity' } },
      )
    }
    this.#credentials.reload(credentials)
    if (relay !== null) return relay('reload', credentials)
    if (this.#credentials.tls !== null) this.#listener?.reload(this.#credentials.tls)
    this.#told?.(this.#means())
  }

  witness(told: (means: WitnessMeans) => void): void {
    this.#told = told
    told(this.#means())
  }

  /** Where it listens, `host:port`; null before the start, after the end, and for a process that only dials. */
  get address(): string | null {
    const address = this.#listener?.address ?? null
    return address === null ? null : formatAddress(address)
  }

  /** Null with a function among the options (`tls.identity`): code cannot be copied into another thread. */
  get portable(): Portable | null {
    const options = this.#options
    if (options === null || options.tls?.identity !== undefined) return null
    return {
      make: 'tcp',
      options,
      relay: (to) => {
        this.#relay = to
      },
    }
  }

  stats(): TransportStats {
    return { ...(this.#links?.stats() ?? NO_TRAFFIC), refused: { ...this.#host?.refusals } }
  }

  /** What this end dials with. */
  #means(): WitnessMeans {
    const { dials, tls } = this.#credentials
    const shown = tls === null ? null : { ca: textOf(tls.ca), cert: textOf(tls.cert), key: textOf(tls.key) }
    return { peers: this.#peers, secret: dials?.toString('base64') ?? null, tls: shown }
  }

  /** Whom a witness of this process has to tell. */
  #meet(peers: readonly ProcessId[], addresses: ReadonlyMap<ProcessId, Address>): void {
    this.#peers = Object.fromEntries([...addresses].filter(([id]) => peers.includes(id)))
  }

  /** Judges everything that can be judged before a socket is opened. */
  #prepare(host: TransportHost): void {
    const settings = this.#settings
    const { listen, addresses, exposed } = planOf(settings, host)
    const quiet = new QuietHost(host)
    const links = new Links({
      settings,
      credentials: this.#credentials,
      host: quiet,
      addresses,
      wanted: [...host.peers],
    })
    this.#host = quiet
    this.#links = links
    this.#meet(host.peers, addresses)
    if (exposed !== null) {
      const message = 'insecure: anybody who can connect is believed to be a member'
      quiet.warn({ address: formatAddress(exposed) }, message)
    }
    if (listen === null) return
    const { maxConnections, handshakeMs } = settings
    this.#listener = new Listener(
      { address: listen, tls: settings.tls, maxConnections, handshakeMs },
      {
        now: () => quiet.now(),
        accepted: (accepted) => links.accept(accepted),
        refused: (reason, remote, detail) => quiet.refused(reason, remote, detail),
        lost: (error) => quiet.failed(error),
      },
    )
  }

  /** The listener, if any, is up. Returns why the transport cannot run after all. */
  #begin(): Error | null {
    if (this.#state === 'stopped') return failed('the transport was stopped before it was ready')
    const bound = this.#listener?.address ?? null
    // `localhost` may be anything where somebody made it so.
    const strict = !authenticates(this.#settings) && !this.#settings.insecure
    if (strict && bound !== null && !isLoopback(bound.host)) return exposure(bound)
    this.#state = 'running'
    this.#ticker = setInterval(() => this.#links?.tick(), this.#settings.zombieMs / TICKS_PER_ZOMBIE)
    this.#links?.start()
    return null
  }

  /** Ends everything that would begin something new. The host hears no more. */
  #halt(): void {
    this.#state = 'stopped'
    this.#host?.silence()
    if (this.#ticker !== null) clearInterval(this.#ticker)
    this.#links?.halt()
  }
}

/** PEM is text, whatever it is kept in. */
function textOf(pem: Pem): readonly string[] {
  const list = Array.isArray(pem) ? pem : [pem]
  return (list as (string | Uint8Array)[]).map((one) => Buffer.from(one as string).toString('latin1'))
}

function failed(message: string): ElectionError {
  return new ElectionError('ELECTION_TRANSPORT_FAILED', message)
}
