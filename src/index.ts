/** The public face of `conclave`: named re-exports, each line a decision. */
export { ElectionError, type ElectionErrorCode, isElectionError, StaleTokenError } from './errors'
export type * from './ports'
