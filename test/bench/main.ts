/**
 * `npm run bench`: every figure beside what it is compared with, taken in one run. `npm run bench -- reads core` runs some;
 * `--json` prints everything as one object for `compare.ts`; other flags (`--write`, `--n=`) are for those that know them.
 * These machines are noisy: quote ratios and medians, with n.
 */
import { cpus, loadavg } from 'node:os'
import { benchCore } from './core'
import { benchCost } from './cost'
import { benchElections } from './elections'
import { benchFailover } from './failover'
import { benchFalseElections } from './false-elections'
import { benchFigure16 } from './figure-16'
import { benchFootprint } from './footprint'
import { benchIdle } from './idle'
import { benchReads } from './reads'
import { benchRollingRestart } from './rolling-restart'
import { benchSimulation } from './simulation'
import { keepOnly, reported } from './stats'
import { benchStorage } from './storage'
import { benchStores } from './stores'
import { benchWire } from './wire'

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  reads: benchReads,
  core: benchCore,
  simulation: benchSimulation,
  storage: () => benchStorage(flags),
  wire: () => benchWire(flags),
  footprint: benchFootprint,
  idle: benchIdle,
  failover: () => benchFailover(flags),
  'rolling-restart': () => benchRollingRestart(flags),
  'false-elections': () => benchFalseElections(flags),
  figure16: () => benchFigure16(flags),
  stores: () => benchStores(flags),
  elections: () => benchElections(flags),
  cost: () => benchCost(flags),
}
const flags = process.argv.slice(2).filter((each) => each.startsWith('--'))
const chosen = process.argv.slice(2).filter((each) => !each.startsWith('--'))
for (const name of chosen) {
  if (!(name in benches)) throw new Error(`no bench ${name}; there are: ${Object.keys(benches).join(', ')}`)
}
const isJson = flags.includes('--json')
const load = Number(loadavg()[0]?.toFixed(1))
if (isJson) keepOnly()
else console.log(`node ${process.version}, ${cpus().length} cores, load ${load}`)
for (const [name, run] of Object.entries(benches)) {
  if (chosen.length === 0 || chosen.includes(name)) await run()
}
if (isJson) {
  const machine = { node: process.version, cores: cpus().length, load }
  console.log(JSON.stringify({ ...machine, figures: reported() }, null, 1))
}
