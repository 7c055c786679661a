/**
 * Random walks of real cores (`raw.ts`), each state of which is looked up among those explored. Used by `image.test.ts`,
 * and by hand with more seeds: `tsx test/model/walk.ts <terms> <crashes> <hand-overs> <first seed> <seeds>`.
 */
import { createState, step } from '../../src/core'
import { electionIn, letter } from './process'
import { randomOf } from './random'
import { RawWorld } from './raw'
import { type Limits, Search, STANDARD } from './search'

export const CORE = { createState, step }

/** Walks until the bounds are left; returns how many states were compared, or the first that was not explored. */
export function walk(search: Search, limits: Limits, seed: number, length: number): number | string {
  const random = randomOf(seed)
  const pick = (n: number) => Math.floor(random() * n)
  const n = limits.members
  const world = new RawWorld(CORE, limits, 1 + pick(limits.promise))
  let { crashes, transfers } = limits
  const log: string[] = []
  for (let k = 0; k < length; k++) {
    const i = pick(n)
    const dice = random()
    if (dice < 0.13) {
      world.pass()
      log.push('tick')
    } else if (dice < 0.33) {
      world.act(i, { type: 'tick' })
      log.push(`${i} looks`)
    } else if (dice < 0.41) {
      world.act(i, { type: 'campaign', election: 'e' })
      log.push(`${i} campaigns`)
    } else if (dice < 0.43) {
      const to = transfers > 0 && world.leads(i) ? letter((i + 1) % n) : null
      if (to !== null) transfers -= 1
      world.act(i, { type: 'renounce', election: 'e', reason: 'resigned', to, cooldownMs: 0 })
      log.push(`${i} resigns`)
    } else if (dice < 0.45 && crashes > 0) {
      search.knows(world.image(search.behaviour, true), crashes, transfers, 0)
      world.crash(i, search.sessionsOf(i))
      crashes -= 1
      log.push(`${i} crashes`)
    } else if (dice < 0.48) {
      world.written(i)
      log.push(`${i} has written`)
    } else if (dice < 0.53) {
      const j = (i + 1 + pick(n - 1)) % n
      world.connect(i, j)
      log.push(`${i} meets ${j}`)
    } else if (world.sent.length > 0) {
      const recent = random() < 0.8
      const from = recent ? Math.max(0, world.sent.length - 6) : 0
      const frame = world.sent[from + pick(world.sent.length - from)]!
      log.push(
        `${frame.from}.${frame.fromIncarnation}>${frame.to}.${frame.toIncarnation} at ${frame.at}: ${JSON.stringify(frame.parts)}`,
      )
      world.deliver(frame)
    }
    if (world.broken !== null) return world.broken
    const beyond = world.members.some(({ state }) => {
      const { slot, topTerm } = electionIn(state)
      return Math.max(slot.knownTerm, topTerm) > limits.maxTerm
    })
    if (beyond) return k
    const places = world.image(search.behaviour, crashes > 0)
    if (!search.knows(places, crashes, transfers, Math.max(0, ...world.won)))
      return `walk ${seed} leaves what was explored after ${k + 1} actions:\n${log.join('\n')}`
  }
  return length
}

if (process.argv[1]?.endsWith('walk.ts')) {
  const [maxTerm = 3, crashes = 1, transfers = 0, first = 1, seeds = 1000] = process.argv.slice(2).map(Number)
  const limits: Limits = { ...STANDARD, maxTerm, crashes, transfers }
  const search = new Search(limits, CORE)
  search.run()
  let compared = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const result = walk(search, limits, seed, 120)
    if (typeof result === 'string') {
      console.log(result)
      process.exitCode = 1
    } else compared += result
  }
  console.log(`${seeds} walks, ${compared} states compared`)
}
