/**
 * `npm run chaos`: real processes under kill -9, SIGSTOP, cuts, one-way links, latency, slow disks and restarts.
 *
 *   --minutes M       for that long (default 1)       --processes N   3 or 5 (default 3)
 *   --seed S          order of the faults (default: random, printed)
 *   --timing P        fast, default or relaxed (default fast)
 *
 * Exit code 1 if two leaders overlapped on the clock of this host, a token did not rise, a fence took a late write, or
 * nobody led for half a minute although nothing was wrong; then the last events are printed, with the seed.
 */
import { parseArgs } from 'node:util'
import { chaos, tableOf } from './chaos-run'

const TIMINGS = ['fast', 'default', 'relaxed'] as const

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    processes: { type: 'string', default: '3' },
    seed: { type: 'string' },
    timing: { type: 'string', default: 'fast' },
  },
})
const minutes = Number(values.minutes)
const processes = Number(values.processes)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const timing = TIMINGS.find((each) => each === values.timing)
if (!(minutes > 0) || ![3, 5].includes(processes) || !Number.isSafeInteger(seed) || timing === undefined) {
  console.error(
    '--minutes above 0, --processes 3 or 5, --seed a whole number, --timing fast, default or relaxed',
  )
  process.exit(2)
}
console.log(`chaos: ${processes} processes, ${minutes} min, timing ${timing}, seed ${seed}`)
const report = await chaos({ seed, minutes, processes, timing, say: (line) => console.log(line) })
console.log(`\n${tableOf(report)}`)
if (report.violations.length > 0) {
  console.log(`\nVIOLATIONS\n${report.violations.join('\n')}`)
  console.log(`\nthe last events\n${report.events.slice(-60).join('\n')}`)
  console.log(
    `\nagain: npm run chaos -- --minutes ${minutes} --processes ${processes} --timing ${timing} --seed ${seed}`,
  )
}
process.exit(report.violations.length > 0 ? 1 : 0)
