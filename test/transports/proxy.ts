/**
 * A man in the middle: stands between two transports, sees every frame of either direction and decides what arrives.
 *
 * Cuts frames by itself, so that it does not share a fault with the code under test.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** `forth`: from the one who dialled. */
export type Direction = 'forth' | 'back'

/** Frames to pass on in place of this one; `n` counts per connection and direction, from 0. */
export type Meddle = (frame: Buffer, direction: Direction, n: number, link: ProxyLink) => readonly Buffer[]

/** One connection through the proxy. */
export interface ProxyLink {
  readonly number: number
  readonly front: Socket
  readonly back: Socket
  /** Everything that was passed on, by direction. */
  readonly seen: Record<Direction, Buffer[]>
}

export class Meddler {
  meddle: Meddle = (frame) => [frame]
  /** How long each frame is held up; frames of one direction keep their order. */
  delayMs: () => number = () => 0
  /** Takes bytes and passes nothing on, without a word. */
  swallow = false
  readonly links: ProxyLink[] = []
  readonly #server: Server
  readonly address: string

  private constructor(server: Server, port: number) {
    this.#server = server
    this.address = `127.0.0.1:${port}`
  }

  static async to(target: string): Promise<Meddler> {
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const proxy = new Meddler(server, (server.address() as { port: number }).port)
    server.on('connection', (front) => proxy.#open(front, Number(target.split(':')[1])))
    return proxy
  }

  /** Connections that stand. */
  get open(): number {
    return this.links.filter(({ front, back }) => !front.destroyed && !back.destroyed).length
  }

  /** Cuts every connection; new ones are accepted. */
  cut(): void {
    for (const { front, back } of this.links) {
      front.destroy()
      back.destroy()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #open(front: Socket, port: number): void {
    const back = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const link: ProxyLink = { number: this.links.length, front, back, seen: { forth: [], back: [] } }
    this.links.push(link)
    this.#pass(link, front, back, 'forth')
    this.#pass(link, back, front, 'back')
  }

  #pass(link: ProxyLink, from: Socket, to: Socket, direction: Direction): void {
    let rest = Buffer.alloc(0)
    let n = 0
    let held: Promise<unknown> = Promise.resolve()
    const later = (act: () => void) => {
      const ms = this.delayMs()
      if (ms > 0) held = held.then(() => new Promise((resolve) => setTimeout(resolve, ms)))
      held = held.then(act)
    }
    from.setNoDelay(true)
    from.on('error', () => to.destroy())
    from.on('end', () => !this.swallow && later(() => to.end()))
    from.on('close', () => !this.swallow && later(() => to.destroySoon()))
    from.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 4 && rest.length >= rest.readUInt32BE(0) + 4) {
        const length = rest.readUInt32BE(0) + 4
        const frame = Buffer.from(rest.subarray(0, length))
        rest = rest.subarray(length)
        if (this.swallow) continue
        const passed = this.meddle(frame, direction, n, link)
        link.seen[direction].push(...passed)
        later(() => {
          for (const each of passed) to.write(each)
        })
        n += 1
      }
    })
  }
}
