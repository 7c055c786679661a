/** What an idle three-member cluster costs: CPU per process over ten seconds, at each preset. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, clockMs } from '../real/cluster'
import { head, line } from './stats'

/** CPU time of a process so far, ms (Linux). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export async function benchIdle(): Promise<void> {
  head('an idle cluster of three: CPU per process (10 s windows; sampling and IPC of the bench switched off)')
  for (const timing of ['default', 'fast'] as const) {
    const cluster = new Cluster({ size: 3, timing, writeMs: null, sampleMs: 2 ** 30 })
    try {
      await cluster.start()
      await cluster.reignNumber(1)
      await sleep(3_000)
      const pids = [...cluster.members.values()].map(({ process: child }) => child.pid ?? 0)
      const before = pids.map(cpuOf)
      const at = clockMs()
      await sleep(10_000)
      const seconds = (clockMs() - at) / 1000
      const shares = pids.map((pid, i) => (cpuOf(pid) - (before[i] ?? 0)) / seconds / 10)
      line(`timing '${timing}', each process`, shares, '% of a core')
    } finally {
      cluster.stop()
    }
  }
}
