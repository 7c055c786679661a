/** Plans of runs: what other folders may use. */
export { type Plan, planFor } from './plan'
export {
  ALL_PROFILES,
  CHOSEN_PROFILES,
  PROFILES,
  type ProfileName,
  STORE_PROFILES,
  type StoreProfileName,
} from './profiles'
export type { Setup } from './setup'
export type { Step } from './steps'
