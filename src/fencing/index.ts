/**
 * The public face of `conclave/fencing`: each line a decision.
 *
 * Read next: `fence.ts` for the contract. Importing this loads no driver: clients are the caller's.
 */
export type { ClaimSource, FenceClaim, FenceMark, LeadershipClaim } from './claim'
export { claimOf, resourceOf } from './claim'
export type { Fence, FenceStats, GuardingFence, ProcessFence } from './fence'
export type { FileFence, FileFenceOptions } from './file'
export { fileFence } from './file'
export type { AppendFile, FileOps } from './file-ops'
export { nodeFileOps } from './file-ops'
export type { ReadFloor } from './floor'
export type { FenceResponse, HttpFenceOptions } from './http'
export { fencedHandler, fenceMiddleware } from './http'
export type { FenceRequest } from './http-header'
export { FENCING_HEADER, fenceHeaders, readFenceHeader } from './http-header'
export type { JournalStats } from './journal'
export { memoryFence } from './memory'
export type { ProcessFenceOptions } from './options'
export type { PostgresFence, PostgresFenceOptions } from './postgres'
export { postgresFence } from './postgres'
export type { PgAnswer, PgFenceClient, PgFencePool, PgTransaction } from './postgres-loans'
export type { PostgresFenceTable } from './postgres-sql'
export { postgresFenceFunction, postgresFenceSchema } from './postgres-sql'
export type {
  IoRedisScripting,
  NodeRedisScripting,
  RedisFence,
  RedisFenceOptions,
  ScriptInput,
} from './redis'
export { redisFence } from './redis'
export type { RunClaim, RunFence } from './run'
