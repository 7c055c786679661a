/**
 * What processes have left with this witness, read from their pipe, and how it is carried out (R55).
 *
 * One line each: a testament, which replaces an earlier one of the same life, or the dismissal of a life. A line that
 * cannot be read is left out: whoever writes here is the library. Read next: `sentinel.ts`, `supervise.ts`.
 */
import type { Testament, WitnessLine } from '../ports/witness'
import { Witness } from '../transports/tcp-witness'

interface Held {
  readonly testament: Testament
  readonly witness: Witness
}

/** Testaments by the nonce of their life. */
export class Testaments {
  private readonly held = new Map<string, Held>()
  private rest = ''

  /** Takes what came through the pipe. */
  hear(chunk: Buffer | string): void {
    const lines = (this.rest + chunk.toString()).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      try {
        this.take(JSON.parse(line) as WitnessLine)
      } catch {
        // Certificates that cannot be used, or a line of somebody else's: no witness for that life.
      }
    }
  }

  get isEmpty(): boolean {
    return this.held.size === 0
  }

  /** Process numbers of all who left something. */
  get pids(): readonly number[] {
    return [...this.held.values()].map(({ testament }) => testament.pid)
  }

  /** Tells the death of every process for which that holds; calls back when all is said. Forgets the others. */
  execute(hasDied: (pid: number) => boolean, done: () => void): void {
    let open = 1
    const closed = (): void => {
      open -= 1
      if (open === 0) done()
    }
    for (const { testament, witness } of this.held.values()) {
      if (!hasDied(testament.pid)) {
        witness.close()
        continue
      }
      open += 1
      witness.testify(closed)
    }
    this.held.clear()
    closed()
  }

  private take(line: WitnessLine): void {
    const nonce = 'testament' in line ? line.testament.life.nonce : line.dismissed
    this.held.get(nonce)?.witness.close()
    this.held.delete(nonce)
    if ('testament' in line) {
      this.held.set(nonce, { testament: line.testament, witness: new Witness(line.testament) })
    }
  }
}
