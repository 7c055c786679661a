/**
 * The wires between real members: one small TCP proxy per direction of dialling, so that a pair can be cut (silently:
 * nothing is forwarded, nothing is closed, as when a switch dies), cut in one direction, or slowed down.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

interface Wire {
  readonly from: string
  readonly to: string
  readonly server: Server
  readonly sockets: Set<Socket>
}

export class Links {
  private readonly wires: Wire[] = []
  private readonly ports = new Map<string, number>()
  /** `a>b`: what a says does not reach b. */
  private readonly silent = new Set<string>()
  private latencyMs = 0

  static async open(ids: readonly string[], addresses: Readonly<Record<string, string>>): Promise<Links> {
    const links = new Links()
    for (const from of ids) {
      for (const to of ids) if (from !== to) await links.add(from, to, addresses[to] as string)
    }
    return links
  }

  private async add(from: string, to: string, address: string): Promise<void> {
    const [host, port] = address.split(':') as [string, string]
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(Number(port), host)
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.setNoDelay(true)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          sockets.delete(socket)
          // Who is cut off does not hear of an end either: the other side keeps a dead connection until `heal`.
          const direction = socket === near ? `${from}>${to}` : `${to}>${from}`
          if (this.silent.has(direction)) return
          // What was said before the end may still be on its way to the other side.
          setTimeout(() => {
            near.destroy()
            far.destroy()
          }, this.latencyMs)
        })
      }
      this.pump(near, far, `${from}>${to}`)
      this.pump(far, near, `${to}>${from}`)
    })
    server.on('error', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.ports.set(`${from}>${to}`, (server.address() as AddressInfo).port)
    this.wires.push({ from, to, server, sockets })
  }

  /**
   * What was swallowed in a cut is gone; TCP's order makes the connection useless afterwards, as a lost segment would not.
   * Bytes leave in the order in which they came, also when the latency changes, and the end of the stream behind them.
   */
  private pump(source: Socket, target: Socket, direction: string): void {
    let broken = false
    let last = 0
    const later = (run: () => void): void => {
      const now = performance.now()
      last = Math.max(last, now + this.latencyMs)
      if (last <= now) run()
      else setTimeout(run, last - now)
    }
    source.on('data', (chunk) => {
      if (this.silent.has(direction)) broken = true
      if (broken) return
      later(() => target.destroyed || target.write(chunk))
    })
    source.on('end', () => {
      if (!this.silent.has(direction)) later(() => target.end())
    })
  }

  /** Where `id` dials the others. */
  addressesFor(id: string): Record<string, string> {
    const addresses: Record<string, string> = {}
    for (const [key, port] of this.ports) {
      const [from, to] = key.split('>') as [string, string]
      if (from === id) addresses[to] = `127.0.0.1:${port}`
    }
    return addresses
  }

  /** From now on nothing of what `from` says reaches `to`. Nobody is told. */
  cutOneWay(from: string, to: string): void {
    this.silent.add(`${from}>${to}`)
  }

  cut(a: string, b: string): void {
    this.cutOneWay(a, b)
    this.cutOneWay(b, a)
  }

  isolate(id: string, others: readonly string[]): void {
    for (const other of others) if (other !== id) this.cut(id, other)
  }

  /**
   * The host of `id` is back after a loss of power: what is dialled from now on passes; connections from before stay as dead
   * as they are, and nobody is told.
   */
  powerOn(id: string): void {
    for (const direction of [...this.silent]) {
      if (direction.split('>').includes(id)) this.silent.delete(direction)
    }
  }

  /** As `heal`, for one pair only. */
  mend(a: string, b: string): void {
    this.reopen([`${a}>${b}`, `${b}>${a}`])
  }

  /** Everything flows again; connections that lost bytes are closed, as a host that comes back would reset them. */
  heal(): void {
    this.reopen([...this.silent])
  }

  private reopen(affected: readonly string[]): void {
    for (const direction of affected) this.silent.delete(direction)
    for (const { from, to, sockets } of this.wires) {
      if (!affected.includes(`${from}>${to}`) && !affected.includes(`${to}>${from}`)) continue
      for (const socket of sockets) socket.destroy()
    }
  }

  slow(latencyMs: number): void {
    this.latencyMs = latencyMs
  }

  close(): void {
    for (const { server, sockets } of this.wires) {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}
