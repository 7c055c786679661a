/**
 * Where a command writes: results to the one stream, complaints to the other, and a line of progress that is overwritten.
 *
 * On a terminal progress is one line that is drawn again and again; elsewhere (a pipe, a log of a build) it is a line now
 * and then, and no control code is ever written. Decides nothing else.
 */

/** What a command needs of the process that it runs in. Tests give it one that remembers. */
export interface Terminal {
  /** Results go to a terminal: progress may be redrawn. */
  readonly isTerminal: boolean
  /** Writes a line of the result. */
  print(line: string): void
  /** Writes a line that is no result: what is wrong. */
  complain(line: string): void
  /** Shows how far it is; overwritten by whatever comes next on a terminal, rate-limited by the caller elsewhere. */
  progress(line: string): void
}

const CLEAR = '\r\u001b[K'

/** The terminal of this process. */
export function systemTerminal({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): Terminal {
  const isTerminal = stdout.isTTY === true
  let shown = false
  const clear = (): void => {
    if (shown) stdout.write(CLEAR)
    shown = false
  }
  return {
    isTerminal,
    print(line) {
      clear()
      stdout.write(`${line}\n`)
    },
    complain(line) {
      clear()
      stderr.write(`${line}\n`)
    },
    progress(line) {
      stdout.write(
        isTerminal ? `${CLEAR}${line.slice(0, Math.max(20, (stdout.columns ?? 80) - 1))}` : `${line}\n`,
      )
      shown = isTerminal
    },
  }
}
