/**
 * A fence in memory, for resources that live in memory too, or for guards that learn a floor (R43).
 *
 * Decides nothing: `marks.ts` compares, `local-fence.ts` orders.
 */
import type { ProcessFence } from './fence'
import { type Keeper, LocalFence } from './local-fence'
import { Marks } from './marks'
import { checkOptions, type ProcessFenceOptions } from './options'

/**
 * Makes a fence that forgets when the process ends.
 *
 * Hazard: after a restart it accepts any token again unless `floor` is given (R43). Without a floor it fits resources
 * that vanish with the process, and tests; for anything that lasts use `floor`, `fileFence`, or the fence of the store.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function memoryFence(options: ProcessFenceOptions = {}): ProcessFence {
  const checked = checkOptions(options)
  return new LocalFence(new Marks(checked.maxResources), NOTHING_TO_KEEP, checked, 'memory')
}

const NOTHING_TO_KEEP: Keeper = { keep: () => null, settle: () => null }
