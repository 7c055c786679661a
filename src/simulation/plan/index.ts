/** Plans of runs: what other folders may use. */
export { type Plan, planFor } from './plan'
export {
  CHOSEN_PROFILES,
  MAINTENANCE_PROFILES,
  MEMBER_PROFILES,
  PROFILES,
  type ProfileName,
  ROLE_PROFILES,
  STORE_PROFILES,
  type StoreProfileName,
} from './profiles'
export type { Setup } from './setup'
export type { Step } from './steps'
