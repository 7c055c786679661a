/** The two ways in: one election, or one process with many. Decides nothing. Read next: `api.ts`, `options.ts`. */
import type { Election, Elector } from './api'
import { ProcessElector } from './elector'
import type { ElectionOptions, ElectorOptions } from './options'
import { readElectionOptions, readElectorOptions } from './read-options'

/**
 * One election of this process. Does no I/O: call `start`.
 *
 * @throws ELECTION_CONFIG_INVALID naming every fault of the options.
 */
export function createElection(options: ElectionOptions): Election {
  const { config, settings } = readElectionOptions(options)
  return new ProcessElector(config, true).open(options.name, settings)
}

/**
 * One process that hosts any number of elections over one transport and one storage. Does no I/O: call `start`.
 *
 * @throws ELECTION_CONFIG_INVALID naming every fault of the options.
 */
export function createElector(options: ElectorOptions): Elector {
  return new ProcessElector(readElectorOptions(options), false)
}
