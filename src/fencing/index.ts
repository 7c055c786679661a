/**
 * The public face of `conclave/fencing`: each line a decision.
 *
 * Read next: `fence.ts` for the contract. PostgreSQL and Redis have their fences beside their stores' clients.
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
