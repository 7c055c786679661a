/** What the parent (`cluster.ts`) and a member (`member.ts`) say to each other. Types only. */
import type { ElectionOptions, TimingOptions, TimingPreset } from 'conclave'
import type { StoreSpec } from './store-service'

export interface MemberOptions {
  readonly id: string
  readonly cluster: string
  readonly voters: Readonly<Record<string, string>>
  /** Where it listens, if that is not where the others dial (a proxy stands between). */
  readonly listen: string | null
  readonly dataDir: string | null
  readonly secret: string
  /** Mutual TLS in place of the secret: PEM texts. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly timing: TimingPreset | TimingOptions
  readonly sampleMs: number
  /** Interval of fenced writes while leading; null: none. */
  readonly writeMs: number | null
  readonly settings: Partial<ElectionOptions>
  /** Its voter is this store; then `voters`, `dataDir` and `secret` are not used, unless it is a `tie`. */
  readonly store?: StoreSpec
  /** The store is one voter beside `voters`, of that name. */
  readonly tie?: true
}

export type Report =
  | { readonly kind: 'ready'; readonly at: number; readonly pid: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'elected'; readonly term: number; readonly at: number }
  /** `idleAt`: when its work last ran, 0 if it was not told to stop. */
  | {
      readonly kind: 'revoked'
      readonly term: number
      readonly reason: string
      readonly at: number
      readonly idleAt: number
    }
  /** `until`: the end of the lease as it was at that look. */
  | {
      readonly kind: 'led'
      readonly term: number
      readonly from: number
      readonly to: number
      readonly until: number
    }
  | { readonly kind: 'leader'; readonly leader: string | null; readonly term: number; readonly at: number }
  | { readonly kind: 'alarm'; readonly code: string; readonly detail: string }
  | { readonly kind: 'write'; readonly number: number; readonly token: number; readonly holder: string }
  | { readonly kind: 'resigned'; readonly released: boolean; readonly at: number }
  | { readonly kind: 'verified'; readonly verified: boolean }
  | { readonly kind: 'status'; readonly status: Readonly<Record<string, unknown>> }
  /** Outcome of a change of members: null, or why it was refused. */
  | { readonly kind: 'members'; readonly refusal: string | null }

export type Order =
  | { readonly kind: 'wrote'; readonly number: number; readonly accepted: boolean }
  | { readonly kind: 'resign'; readonly to: string | null }
  | { readonly kind: 'status' | 'verify' | 'stop' | 'throw' | 'exit' | 'abort' | 'segfault' | 'outOfMemory' }
  /** Hold that much memory, every page of it touched. */
  | { readonly kind: 'hold'; readonly megabytes: number }
  /** Start a process that outlives this one. */
  | { readonly kind: 'spawn'; readonly forMs: number }
  | { readonly kind: 'block'; readonly forMs: number }
  /**
   * What its work does next: block the loop for so long and go on for good whatever its signal says, never look at the signal
   * again, or throw.
   */
  | { readonly kind: 'work'; readonly as: 'block' | 'ignore' | 'throw'; readonly forMs: number }
  /** Keep the garbage collector busy, with a live heap of that size, until the next such order; 0: not any more. */
  | { readonly kind: 'churn'; readonly heapMb: number }
  | {
      readonly kind: 'members'
      readonly call: 'add' | 'remove' | 'replace' | 'changeAddress' | 'handOver'
      readonly member: string
      readonly address: string
    }
  /** Keep a connection of the store's client busy. */
  | { readonly kind: 'busy'; readonly forMs: number }
  /** From now on each durable write takes that much longer. */
  | { readonly kind: 'disk'; readonly delayMs: number }
