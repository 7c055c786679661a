/** All mutants, by area; and the rules that need none, with the reason. Read next: `../kill.ts`. */
import type { Mutant } from '../mutant'
import { FENCES } from './fences'
import { ITEMS } from './items'
import { LEASES } from './leases'
import { LIVENESS } from './liveness'
import { MEMBERS } from './members'
import { PAUSE } from './pause'
import { RESTARTS } from './restarts'
import { ROLES } from './roles'
import { RUNTIME } from './runtime'
import { SESSIONS } from './sessions'
import { STORES } from './stores'
import { VOTES } from './votes'

export { EXEMPT } from './liveness'

/** Every mutant, in the order in which they are reported. */
export const MUTANTS: readonly Mutant[] = [
  ...SESSIONS,
  ...VOTES,
  ...LEASES,
  ...ITEMS,
  ...RESTARTS,
  ...MEMBERS,
  ...ROLES,
  ...RUNTIME,
  ...STORES,
  ...FENCES,
  ...PAUSE,
  ...LIVENESS,
]
