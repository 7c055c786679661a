/** The options that name a timing, for commands that keep one or judge one. */
import type { TimingOptions, TimingPreset } from '../runtime/timing'
import { type FlagValues, numberOf } from './flags'

const PRESETS: readonly TimingPreset[] = ['fast', 'default', 'relaxed']

/** The options themselves. */
export const TIMING = {
  timing: {
    value: 'PRESET',
    choices: PRESETS,
    summary: 'fast, default or relaxed, as at the voters (default: default)',
  },
  'promise-ms': { value: 'MS', summary: '`promiseMs`, if the voters have one of their own' },
} as const

/** What they say. @throws UsageError */
export function readTiming(values: FlagValues<typeof TIMING>): TimingOptions {
  const promiseMs = numberOf('promise-ms', values['promise-ms'])
  const preset = (values.timing ?? 'default') as TimingPreset
  return { preset, ...(promiseMs === null ? {} : { promiseMs }) }
}
