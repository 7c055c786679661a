/**
 * Tests a service's own leader code in virtual time: an hour of crashes, partitions and stalls in about a second.
 *
 * Run: npx tsx examples/simulate-your-leader.ts
 *
 * The service below sends a newsletter every ten seconds: it leads, reads the list of readers, writes the mails, sends. Once
 * to an outbox that takes everything, once to one that refuses a token older than the newest it saw. The simulation breaks
 * the cluster in the same way for both, and looks at what was sent.
 */
import { type SimProcess, simulate } from 'conclave/simulation'

/** Who sent, and with which token. */
interface Sent {
  readonly by: string
  readonly token: number
}

type Outbox = (by: string, token: number) => void

const MINUTE = 60_000
const SEED = 2026

/** The code under test: nothing in it knows that time is not real. */
async function newsletter(process: SimProcess, send: Outbox): Promise<void> {
  const election = process.election('newsletter')
  await election.start()
  await election.lead(async ({ token, signal }) => {
    while (!signal.aborted) {
      await process.sleep(3000, signal).catch(() => {}) // reads the list of readers
      if (signal.aborted) return
      await process.sleep(2000) // ... and writes the mails: time in which everything may happen
      send(`${process.id}#${process.life}`, token)
      await process.sleep(5000, signal).catch(() => {})
    }
  })
}

/** An hour in which something breaks every minute or so. */
async function anHourOfTrouble(checksTokens: boolean): Promise<Sent[]> {
  const accepted: Sent[] = []
  let newest = 0
  const outbox: Outbox = (by, token) => {
    if (checksTokens && token < newest) return
    newest = Math.max(newest, token)
    accepted.push({ by, token })
  }
  const report = await simulate(
    { seed: SEED, service: (process) => newsletter(process, outbox), quality: { jitterMs: 2 } },
    async (sim) => {
      const { cluster } = sim
      for (let minute = 0; minute < 60; minute++) {
        await sim.advance(cluster.random.between(0.5, 1.5) * MINUTE)
        const leader = sim.leaderOf('newsletter')
        if (leader === null) continue
        const others = cluster.ids.filter((id) => id !== leader)
        const trouble = cluster.random.integer(0, 2)
        if (trouble === 0) {
          cluster.crash(leader)
          cluster.later(5000, () => cluster.restart(leader))
        } else if (trouble === 1) {
          cluster.pause(leader, 20_000)
        } else {
          cluster.partition([[leader], others])
          cluster.later(20_000, () => cluster.heal())
        }
      }
    },
  )
  const hours = (report.simulatedMs / 3_600_000).toFixed(1)
  console.log(`  ${hours} simulated hours, ${report.events} events, violations: ${report.violations.length}`)
  return accepted
}

/** Mails that went out after a newer leader had already sent one. */
function stale(sent: readonly Sent[]): Sent[] {
  let newest = 0
  return sent.filter(({ token }) => {
    const old = token < newest
    newest = Math.max(newest, token)
    return old
  })
}

for (const checksTokens of [false, true]) {
  console.log(checksTokens ? 'with a fenced outbox:' : 'without a token check:')
  const sent = await anHourOfTrouble(checksTokens)
  const late = stale(sent)
  console.log(
    `  ${sent.length} newsletters sent, ${late.length} of them by a leader that was no leader any more`,
  )
  const [first] = late
  if (first !== undefined) console.log(`  for instance ${first.by} with token ${first.token}`)
}
