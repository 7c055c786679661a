/**
 * A TCP proxy with faults between a client and a real server, for tests.
 *
 * Decides nothing: a test says what happens to bytes and connections. Bytes that are held are kept as a network keeps
 * them: delivered in order after `heal`, or lost together with their connection after `cut`.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'

/** `up`: from the client to the server. `down`: from the server to the client. */
export type Direction = 'up' | 'down'

/** A proxy in front of one port of the loopback interface. */
export interface FaultyProxy {
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Bytes that passed so far, in both directions. */
  readonly bytes: number
  /** Bytes in these directions wait from now on, of new connections too: half-open links. */
  hold(...directions: Direction[]): void
  /** Every chunk waits this long, milliseconds; 0 ends that. */
  delay(ms: number): void
  /** The present connections carry nothing any more and stay open, for good; new ones work: half-open links. */
  strand(): void
  /** Ends `hold`, `delay` and `refuse`; what was held goes on. */
  heal(): Promise<void>
  /** Resets all connections; what was held is lost. */
  cut(): void
  /** Refuses new connections and resets the present ones, until `heal`. */
  refuse(): Promise<void>
  /** Resolves when the next chunk in that direction has arrived here; it obeys the faults of that instant. */
  next(direction: Direction): Promise<void>
  /** From the first chunk up on that contains the text, answers are held (`heal` ends that); resolves then. */
  trap(text: string): Promise<void>
  stop(): Promise<void>
}

/** Starts a proxy to `127.0.0.1:target`. */
export async function startProxy(target: number): Promise<FaultyProxy> {
  const proxy = new TcpProxy(target)
  await proxy.listen(0)
  return proxy
}

interface Pipe {
  readonly direction: Direction
  readonly to: Socket
  readonly queue: { readonly chunk: Buffer; readonly notBefore: number }[]
  stranded: boolean
}

class TcpProxy implements FaultyProxy {
  port = 0
  bytes = 0
  readonly #target: number
  readonly #pipes = new Set<Pipe>()
  readonly #sockets = new Set<Socket>()
  readonly #held = new Set<Direction>()
  readonly #waiting: { readonly direction: Direction; readonly resolve: () => void }[] = []
  #trap: { readonly text: string; readonly resolve: () => void } | null = null
  #delayMs = 0
  #server: Server | null = null

  constructor(target: number) {
    this.#target = target
  }

  get connections(): number {
    return this.#pipes.size / 2
  }

  async listen(port: number): Promise<void> {
    const server = createServer((client) => this.#accept(client))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    this.port = address.port
    this.#server = server
  }

  hold(...directions: Direction[]): void {
    for (const direction of directions) this.#held.add(direction)
  }

  delay(ms: number): void {
    this.#delayMs = ms
    this.#flushAll()
  }

  strand(): void {
    for (const pipe of this.#pipes) pipe.stranded = true
  }

  async heal(): Promise<void> {
    this.#held.clear()
    this.#trap = null
    this.#delayMs = 0
    this.#flushAll()
    if (this.#server === null) await this.listen(this.port)
  }

  cut(): void {
    for (const socket of [...this.#sockets]) socket.resetAndDestroy()
  }

  async refuse(): Promise<void> {
    const server = this.#server
    this.#server = null
    this.cut()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
  }

  next(direction: Direction): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ direction, resolve }))
  }

  trap(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#trap = { text, resolve }
    })
  }

  async stop(): Promise<void> {
    await this.refuse()
  }

  #accept(client: Socket): void {
    const server = createConnection({ host: '127.0.0.1', port: this.#target })
    const pipes = [this.#pipe('up', client, server), this.#pipe('down', server, client)]
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const pipe of pipes) this.#pipes.delete(pipe)
        client.destroy()
        server.destroy()
      })
    }
  }

  #pipe(direction: Direction, from: Socket, to: Socket): Pipe {
    const pipe: Pipe = { direction, to, queue: [], stranded: false }
    this.#pipes.add(pipe)
    from.on('data', (chunk) => {
      for (let i = this.#waiting.length - 1; i >= 0; i--) {
        if (this.#waiting[i]?.direction === direction) this.#waiting.splice(i, 1)[0]?.resolve()
      }
      if (direction === 'up' && this.#trap !== null && chunk.includes(this.#trap.text)) {
        this.#trap.resolve()
        this.#trap = null
        this.#held.add('down')
      }
      pipe.queue.push({ chunk, notBefore: performance.now() + this.#delayMs })
      this.#flush(pipe)
    })
    return pipe
  }

  #flushAll(): void {
    for (const pipe of this.#pipes) this.#flush(pipe)
  }

  #flush(pipe: Pipe): void {
    while (!pipe.stranded && !this.#held.has(pipe.direction)) {
      const head = pipe.queue[0]
      if (head === undefined || pipe.to.destroyed) return
      const waitMs = this.#delayMs === 0 ? 0 : head.notBefore - performance.now()
      if (waitMs > 0) {
        setTimeout(() => this.#flush(pipe), waitMs)
        return
      }
      pipe.queue.shift()
      this.bytes += head.chunk.length
      pipe.to.write(head.chunk)
    }
  }
}
