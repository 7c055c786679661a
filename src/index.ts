/** The public face of `conclave`: named re-exports, each line a decision. */
export type {
  AlarmCode,
  ElectionName,
  Incarnation,
  PausedLeader,
  ProcessId,
  Refusal,
  RevokeReason,
  Role,
  Term,
  VoterKind,
} from './core'
export { ElectionError, type ElectionErrorCode, isElectionError, StaleTokenError } from './errors'
export type * from './ports'
export type {
  Election,
  Elector,
  KnownLeader,
  PauseOptions,
  PauseResult,
  ResignOptions,
  RunResult,
  WaitLimits,
} from './runtime/api'
export type { ElectionView } from './runtime/changes'
export { createElection, createElector } from './runtime/create'
export type { DriverCounters } from './runtime/driver-options'
export type { Environment, HostProcess } from './runtime/environment'
export type { ElectionEvent, ElectionEvents, ElectionListener } from './runtime/events'
export type { FailoverBound } from './runtime/failover'
export type { HandOver, HandOverFailure } from './runtime/hand-over'
export type { HealthCheck } from './runtime/health'
export type { PastLeadership, SeenLeader } from './runtime/history'
export type { LeadOptions } from './runtime/lead'
export type { Leadership } from './runtime/leadership'
export type { LoopDelay, LoopMonitor } from './runtime/loop-monitor'
export type { PausedStatus } from './runtime/maintenance'
export type { Members, MembershipRefusal, NewMember } from './runtime/members'
export type { MembershipStatus } from './runtime/membership-status'
export type { OperatorsOption } from './runtime/operator-command'
export type {
  ElectionOptions,
  ElectionSettings,
  ElectorOptions,
  ExperimentalOptions,
  VotersOption,
} from './runtime/options'
export type { MemberKind } from './runtime/read-roles'
export type { SafetyMargin } from './runtime/renewals'
export type { Score, ScoreStatus } from './runtime/score'
export type {
  ElectionStatus,
  ElectionSummary,
  ElectorStatus,
  MemberStatus,
  Phase,
  ProcessStatus,
} from './runtime/status'
export type { Switchover, SwitchoverOptions, SwitchoverResult } from './runtime/switchover'
export { type SystemClockOptions, systemClock } from './runtime/system-clock'
export type { ResignResult, Work } from './runtime/tenure'
export type { ResolvedTiming, TimingOptions, TimingPreset } from './runtime/timing'
export { type FileOptions, file, memory } from './storage'
