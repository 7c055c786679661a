/**
 * The pipe to `conclave run`, if this process was started by it (R55).
 *
 * It is announced by an environment variable, which every later child inherits, although the pipe itself is closed in them
 * (Node opens nothing that a child inherits, and closes what itself inherited). So what is announced is believed only if
 * the parent of this process is the supervisor that it names and the descriptor is a socket: nothing is ever written into
 * somebody else's file. Read next: `../cli/supervise.ts`.
 */
import { fstatSync, writeSync } from 'node:fs'
import type { Logger } from '../ports/logger'
import type { WitnessLine } from '../ports/witness'
import type { WitnessPipe } from './witness'

/** `<descriptor>:<process number of the supervisor>`. */
export const SUPERVISOR_VARIABLE = 'CONCLAVE_SUPERVISOR'

/** The pipe to the supervisor of this very process; null if there is none. */
export function supervisorOf(
  logger: Logger,
  { env, ppid }: Pick<NodeJS.Process, 'env' | 'ppid'> = process,
): WitnessPipe | null {
  const found = /^(\d{1,9}):(\d{1,9})$/.exec(env[SUPERVISOR_VARIABLE] ?? '')
  const descriptor = Number(found?.[1])
  if (found === null || Number(found[2]) !== ppid || !isSocket(descriptor)) return null
  return {
    write(line: WitnessLine): void {
      try {
        writeSync(descriptor, `${JSON.stringify(line)}\n`)
      } catch (error) {
        logger.warn({ err: error }, 'the supervisor is gone: nobody can prove the death of this process')
      }
    },
  }
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket()
  } catch {
    return false
  }
}
