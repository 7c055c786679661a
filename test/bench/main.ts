/**
 * `npm run bench`: every figure beside what it is compared with, taken in one run. `npm run bench -- reads core` runs some;
 * flags (`--json`, `--write`, `--n=`) are for those that know them.
 * These machines are noisy: quote ratios and medians, with n.
 */
import { spawnSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { benchCore } from './core'
import { benchFailover } from './failover'
import { benchFigure16 } from './figure-16'
import { benchFootprint } from './footprint'
import { benchIdle } from './idle'
import { benchReads } from './reads'
import { benchStores } from './stores'

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  reads: benchReads,
  core: benchCore,
  footprint: benchFootprint,
  idle: benchIdle,
  failover: benchFailover,
  figure16: () => benchFigure16(flags),
  stores: () => benchStores(flags),
}
/** Benches that are programs of their own. */
const programs = ['storage', 'wire']
const flags = process.argv.slice(2).filter((each) => each.startsWith('--'))
const chosen = process.argv.slice(2).filter((each) => !each.startsWith('--'))
for (const name of chosen) {
  if (!(name in benches) && !programs.includes(name))
    throw new Error(`no bench ${name}; there are: ${[...Object.keys(benches), ...programs].join(', ')}`)
}
if (!flags.includes('--json'))
  console.log(`node ${process.version}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`)
for (const [name, run] of Object.entries(benches)) {
  if (chosen.length === 0 || chosen.includes(name)) await run()
}
for (const name of programs) {
  if (chosen.length === 0 || chosen.includes(name)) {
    spawnSync(process.execPath, ['--import', 'tsx', `test/bench/${name}.ts`], { stdio: 'inherit' })
  }
}
