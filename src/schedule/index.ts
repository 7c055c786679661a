/** The public face of `conclave/schedule`: each line a decision. Read next: `schedule.ts`. */
export type { RunClaim, RunFence } from '../fencing/run'
export type { MissedRuns, OverlapPolicy, Remember, ScheduleOptions } from './options'
export type { Plan, When } from './plan'
export { schedule } from './schedule'
export type { Schedule, ScheduledRun, ScheduledWork, ScheduleElection } from './scheduler'
