/** A terminal that remembers, and a command line typed at it. */
import { run } from '../../src/cli/run'
import type { Terminal } from '../../src/cli/terminal'

export class MemoryTerminal implements Terminal {
  readonly isTerminal = false
  readonly printed: string[] = []
  readonly complaints: string[] = []
  readonly steps: string[] = []
  print = (line: string) => void this.printed.push(line)
  complain = (line: string) => void this.complaints.push(line)
  progress = (line: string) => void this.steps.push(line)
  get text(): string {
    return this.printed.join('\n')
  }
}

/** Runs that command line; `MemoryTerminal` with the exit code. */
export async function call(line: string): Promise<MemoryTerminal & { readonly code: number }> {
  const terminal = new MemoryTerminal()
  return Object.assign(terminal, { code: await run(line.split(' ').filter(Boolean), terminal) })
}
