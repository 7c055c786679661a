/**
 * The weather of each world: which faults come, how often beside each other, and how close together.
 *
 * A weight that is added here moves every draw of its world: what comes later is drawn from a source of its own instead
 * (`plan.ts`). Read next: `steps.ts`.
 */
import type { ActionKind } from '../actions'
import type { ProfileName } from './profiles'

/** How often each kind of thing happens, relative to the others; and how long the cluster rests between two. */
export interface Weather {
  readonly everyMs: number
  readonly weights: Readonly<Partial<Record<ActionKind, number>>>
}

const ALL: Weather['weights'] = {
  crash: 6,
  crashInWrite: 2,
  stop: 2,
  pause: 6,
  stutter: 2,
  suspend: 2,
  cut: 5,
  mesh: 2,
  partition: 3,
  isolate: 4,
  heal: 2,
  quality: 2,
  rate: 3,
  stepWall: 2,
  diskFails: 0.6,
  diskHangs: 0.6,
  diskLosesLastWrite: 1,
  replaceDisk: 1.5,
  resign: 4,
  transfer: 5,
  drainTimeout: 1.5,
  contend: 1,
  campaign: 5,
  heartbeatNow: 1,
  proofOfDeath: 2,
  restartGuard: 1,
}

/** Members come and go, disks are lost. */
const MEMBERS_CHANGE: Weather['weights'] = {
  ...{
    addMember: 16,
    removeMember: 10,
    replaceDisk: 4,
    crash: 5,
    crashInWrite: 2,
    stop: 1,
    pause: 5,
    suspend: 1,
  },
  ...{
    cut: 4,
    mesh: 2,
    partition: 3,
    isolate: 4,
    heal: 3,
    quality: 1,
    rate: 2,
    diskFails: 0.3,
    diskHangs: 0.3,
  },
  ...{
    resign: 3,
    transfer: 4,
    drainTimeout: 1,
    contend: 1,
    campaign: 6,
    heartbeatNow: 1,
    proofOfDeath: 1,
  },
}

/** Where only stores vote there is nothing between the nodes that could be cut. */
const AT_STORES: Weather['weights'] = {
  ...{ crash: 6, crashInWrite: 1, stop: 3, pause: 6, stutter: 2, suspend: 2, rate: 3, stepWall: 2 },
  ...{ diskFails: 0.5, replaceDisk: 1, resign: 4, transfer: 4, drainTimeout: 1.5, contend: 1, campaign: 5 },
  ...{ heartbeatNow: 1, proofOfDeath: 2, restartGuard: 1, storeDown: 4, storeCut: 8 },
}

export const WEATHER: Readonly<Record<ProfileName, Weather>> = {
  lan: { everyMs: 400, weights: ALL },
  wan: { everyMs: 800, weights: ALL },
  extreme: { everyMs: 300, weights: { ...ALL, campaign: 12, rate: 8, transfer: 8, resign: 6 } },
  restarts: {
    everyMs: 350,
    weights: { crash: 10, crashInWrite: 6, stop: 4, proofOfDeath: 5, pause: 3, campaign: 3, transfer: 2 },
  },
  partitions: {
    everyMs: 500,
    weights: { cut: 10, mesh: 6, partition: 6, isolate: 8, heal: 4, campaign: 4, pause: 2, crash: 1 },
  },
  // Nothing is durable (R28): no faults of disks, and no wall clock that goes back, for it is the floor of last resort.
  ephemeral: {
    everyMs: 600,
    weights: {
      crash: 6,
      stop: 2,
      pause: 5,
      cut: 5,
      isolate: 4,
      rate: 3,
      campaign: 6,
      transfer: 4,
      resign: 3,
      suspend: 1,
    },
  },
  // Pauses that no clock inside shows: leases may overlap for their length (A2 is broken), everything else has to hold.
  hypervisor: {
    everyMs: 400,
    weights: {
      suspend: 10,
      pause: 3,
      crash: 3,
      cut: 3,
      campaign: 6,
      transfer: 4,
      resign: 3,
      restartGuard: 1,
    },
  },
  // A process without a vote whose disk is lost is another process (R49): nothing is learnt from that.
  roles: { everyMs: 400, weights: { ...ALL, replaceDisk: 0, diskLosesLastWrite: 0, proofOfDeath: 4 } },
  calm: { everyMs: 5000, weights: { resign: 1, transfer: 1, crash: 1 } },
  maintenance: {
    everyMs: 400,
    weights: { ...ALL, pauseElection: 12, diskFails: 0, diskHangs: 0, contend: 3, resign: 8, crash: 8 },
  },
  members: { everyMs: 400, weights: MEMBERS_CHANGE },
  everything: {
    everyMs: 400,
    weights: { ...MEMBERS_CHANGE, pauseElection: 6, restartGuard: 1, stepWall: 1 },
  },
  oneStore: { everyMs: 500, weights: AT_STORES },
  threeStores: { everyMs: 400, weights: AT_STORES },
  tieBreaker: { everyMs: 400, weights: { ...ALL, storeDown: 3, storeCut: 6 } },
  forgetfulStore: {
    everyMs: 1500,
    weights: {
      crash: 4,
      stop: 1,
      pause: 4,
      storeDown: 2,
      storeCut: 3,
      storeForgets: 3,
      resign: 2,
      campaign: 2,
    },
  },
}
