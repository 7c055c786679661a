/** Steps per second of the bare core: five members, heartbeats every 50 ms, frames handed over at once, nothing else. */
import {
  type CoreConfig,
  createState,
  type Effect,
  type Input,
  nextDeadline,
  type State,
  step,
} from 'conclave/core'
import { cpuMs, head, value } from './stats'

const IDS = ['a', 'b', 'c', 'd', 'e']
const SIMULATED_MS = 3_000_000

export function benchCore(): void {
  head('the core alone: five members, heartbeats every 50 ms')
  const nodes = new Map<string, { config: CoreConfig; state: State }>()
  for (const [i, self] of IDS.entries()) {
    const config: CoreConfig = {
      self,
      incarnation: 1,
      storageId: self,
      cluster: { term: 0, version: 1, termFloor: 0, voters: IDS.map((id) => ({ id, kind: 'peer' })) },
      timing: {
        promiseMs: 500,
        heartbeatMs: 50,
        campaignMs: 200,
        stepMs: 10,
        rho: 0.1,
        deltaMs: 2,
        backoffMs: 50,
        backoffMaxMs: 400,
        minPromiseMs: 1,
        maxPromiseMs: 5000,
      },
      preVote: true,
      succession: true,
      maxElections: 10,
      ephemeral: false,
    }
    const process = {
      format: 1,
      clusterId: 'bench',
      nodeId: self,
      storageId: self,
      incarnation: 0,
      config: config.cluster,
      maxPromiseMs: 0,
      cleanNoPromise: true,
      pins: {},
    } as const
    nodes.set(self, {
      config,
      state: createState(
        config,
        { process, terms: new Map() },
        { now: 0, startedAt: 0, seed: i + 1, wallMs: 0 },
      ),
    })
  }
  let now = 0
  let steps = 0
  const wire: { from: string; effect: Effect & { type: 'send' } }[] = []
  // each literal is complete as it is: a copy would cost more than the step
  const act = (id: string, input: Input): void => {
    const node = nodes.get(id)
    if (node === undefined) return
    steps += 1
    for (const effect of step(node.config, node.state, input)) {
      if (effect.type === 'send') wire.push({ from: id, effect })
      else if (effect.type === 'persist') act(id, { type: 'persisted', now, version: effect.version })
    }
  }
  for (const id of IDS) {
    for (const peer of IDS) {
      const session = { incarnation: 1, storageId: peer, rho: 0.1, deltaMs: 2, sentAt: 0 }
      if (peer !== id) act(id, { type: 'connected', now, peer, ...session })
    }
  }
  for (const id of IDS) act(id, { type: 'contend', now, election: 'e', contending: true, priority: 0 })
  const begin = cpuMs()
  while (now < SIMULATED_MS) {
    for (let at = 0; at < wire.length; at++) {
      const { from, effect } = wire[at] as (typeof wire)[number]
      act(effect.to, {
        type: 'frame',
        now,
        from,
        fromIncarnation: 1,
        toIncarnation: effect.toIncarnation,
        parts: effect.parts,
      })
    }
    wire.length = 0
    let next = Number.POSITIVE_INFINITY
    for (const { state } of nodes.values()) next = Math.min(next, nextDeadline(state))
    now = Math.max(now, next)
    for (const [id, { state }] of nodes) if (nextDeadline(state) <= now) act(id, { type: 'tick', now })
  }
  const seconds = (cpuMs() - begin) / 1000
  value('steps per CPU second', steps / seconds, '/s')
  value('simulated time over CPU time', SIMULATED_MS / 1000 / seconds, 'x')
}
