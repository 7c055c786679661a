/**
 * Exhaustive exploration of the shipping core: every order of delivery, loss, duplication and delay, every crash, every
 * passing of time, for a few processes, one election and a bounded number of terms.
 *
 * A state of the world is a row of small numbers: one per node (an interned canonical `State`), one for the set of
 * messages that were ever sent and may still arrive, one for what was decided so far, and the budgets. Because a node
 * cannot see anything but itself and its input, each (node, input) is stepped once and remembered; generating a state of
 * the world is then a matter of looking numbers up. Messages stay for ever (so they are lost, doubled and delayed at
 * will), except that of bind acks (and late heartbeats and acks, see `late`) only the newest per pair stays, and that
 * heartbeats and acks older than D are gone (older ones have directed tests).
 *
 * Checked in every state: P1, P2, P3 (b), P7. A violation comes with the shortest schedule that leads to it.
 */
import { type Effect, type Input, type Part, step } from '../../src/core'
import {
  BASE,
  BASE_ROUND,
  type Bounds,
  canonical,
  cloneNode,
  configOf,
  encode,
  grantsOf,
  holdsLease,
  IDS,
  later,
  NAME,
  ROUNDS_PER_TICK,
  startNode,
} from './node'
import { StateTable } from './table'

export interface Limits extends Bounds {
  /** Crashes with restart, over all nodes. */
  readonly crashes: number
  /** Hand-overs ordered by a leader, over all nodes. */
  readonly transfers: number
  /** Node whose clock runs at half speed, or -1. */
  readonly slow: number
  readonly maxStates: number
}

export interface Outcome {
  readonly generated: number
  readonly distinct: number
  readonly depth: number
  readonly complete: boolean
  readonly cpuSeconds: number
  readonly nodeStates: number
  readonly steps: number
  readonly violation: { readonly property: string; readonly schedule: readonly string[] } | null
}

/** A message that may arrive; round and send time are relative to the sender's present tick. */
interface Message {
  readonly from: number
  readonly fromIncarnation: number
  readonly to: number
  readonly toIncarnation: number
  readonly part: Part
}

interface NodeEntry {
  readonly incarnation: number
  readonly state: ReturnType<typeof startNode>
}

/** What one input does to one node: its next number, and what it says. */
interface Transition {
  readonly node: number
  readonly messages: readonly number[]
  readonly wins: readonly number[]
  readonly renounced: number
}

const FIELDS = 4 // behind the nodes: messages, history, budget, phase

export type Step = typeof step

export function explore(limits: Limits, stepCore: Step = step): Outcome {
  const cpu = process.cpuUsage()
  const { nodes } = limits
  const width = nodes + FIELDS
  const M = nodes
  const H = nodes + 1
  const B = nodes + 2
  const P = nodes + 3

  const nodeIds = new Map<string, number>()
  const nodeEntries: NodeEntry[] = []
  const valid: boolean[] = []
  const grantsOfNode: (readonly string[])[] = []
  const grantsOfSet: (readonly string[])[] = []
  const messageIds = new Map<string, number>()
  const messages: Message[] = []
  const setIds = new Map<string, number>()
  const sets: (readonly number[])[] = []
  const historyIds = new Map<string, number>()
  const histories: { readonly won: readonly string[]; readonly last: number; readonly renounced: readonly string[] }[] = []
  let steps = 0

  const internNode = (index: number, incarnation: number, state: NodeEntry['state']): number => {
    const key = index + encode(incarnation, state)
    let id = nodeIds.get(key)
    if (id === undefined) {
      id = nodeEntries.length
      nodeIds.set(key, id)
      nodeEntries.push({ incarnation, state })
      valid.push(holdsLease(state))
      grantsOfNode.push(grantsOf(IDS[index] as string, state))
    }
    return id
  }
  const internMessage = (message: Message): number => {
    const key = JSON.stringify(message)
    let id = messageIds.get(key)
    if (id === undefined) {
      id = messages.length
      messageIds.set(key, id)
      messages.push(message)
    }
    return id
  }
  const internSet = (members: readonly number[]): number => {
    const key = members.join(',')
    let id = setIds.get(key)
    if (id === undefined) {
      id = sets.length
      setIds.set(key, id)
      sets.push(members)
      grantsOfSet.push(members.flatMap((member) => {
        const { part, from } = messages[member] as Message
        return 'grant' in part && part.grant !== null ? [`${IDS[from]} ${part.grant}`] : []
      }))
    }
    return id
  }
  const internHistory = (won: readonly string[], last: number, renounced: readonly string[]): number => {
    const key = `${won.join(',')}|${last}|${renounced.join(',')}`
    let id = historyIds.get(key)
    if (id === undefined) {
      id = histories.length
      historyIds.set(key, id)
      histories.push({ won, last, renounced })
    }
    return id
  }

  // --- one node, one input ---------------------------------------------------------------------------------------

  const transitions = new Map<number, Transition | null>()
  /** The ack that a transition answers a heartbeat with, where acks are not kept as messages. */
  const answers = new Map<Transition, number>()
  /** Runs inputs on a copy; `null` if nothing at all changed and nothing was said. */
  const run = (
    index: number,
    id: number,
    inputs: readonly Input[],
    prepare?: (s: NodeEntry['state']) => void,
    grants = 0,
    acks: number[] = [],
  ): Transition | null => {
    const { incarnation, state } = nodeEntries[id] as NodeEntry
    const config = configOf(index, incarnation, limits)
    const next = cloneNode(state)
    next.round = BASE_ROUND
    for (const { sentAt } of next.rounds.values()) if (sentAt === BASE) next.round += 1
    next.grantCounter = grants
    next.nonceCounter = next.elections.get(NAME)?.slot.knownTerm ?? 0
    prepare?.(next)
    const said: number[] = []
    const wins: number[] = []
    let renounced = 0
    const queue = [...inputs]
    for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
      steps += 1
      for (const effect of stepCore(config, next, input)) {
        if (effect.type === 'persist') queue.push({ type: 'persisted', now: BASE, version: effect.version })
        else if (effect.type === 'elected') wins.push(effect.term)
        else if (effect.type === 'revoked' && effect.reason !== 'reelected') renounced = effect.term
        else if (effect.type === 'send') said.push(...hear(index, incarnation, effect, acks))
      }
    }
    const renouncedNow = renounced
    canonical(next, limits)
    const node = internNode(index, incarnation, next)
    if (node === id && said.length === 0 && wins.length === 0 && acks.length === 0) return null
    const transition = { node, messages: said, wins, renounced: renouncedNow }
    if (acks[0] !== undefined) answers.set(transition, acks[0])
    return transition
  }
  const hear = (from: number, fromIncarnation: number, effect: Effect & { type: 'send' }, acks: number[]): number[] => {
    const ids: number[] = []
    const to = IDS.indexOf(effect.to as (typeof IDS)[number])
    for (const part of effect.parts) {
      if (part.kind === 'releaseAck' || part.kind === 'contend' || part.kind === 'contendAck') continue
      if (part.kind === 'heartbeat' && limits.late !== 'all') continue
      // a refusal matters for the term that it tells (R9, R22)
      if ((part.kind === 'voteReply' || part.kind === 'bindAck') && part.grant === null && part.knownTerm <= part.term) continue
      if (part.kind === 'ack' && limits.late === 'none') {
        acks.push(internMessage({ from, fromIncarnation, to, toIncarnation: effect.toIncarnation, part }))
        continue
      }
      ids.push(internMessage({ from, fromIncarnation, to, toIncarnation: effect.toIncarnation, part }))
    }
    return ids
  }
  const remembered = (key: number, make: () => Transition | null): Transition | null => {
    let transition = transitions.get(key)
    if (transition === undefined) {
      transition = make()
      transitions.set(key, transition)
    }
    return transition
  }

  /** One below the smallest number that no grant of that node's life has anywhere: what its next grant counts from. */
  const unusedGrant = (here: Int32Array, voter: number, incarnation: number): number => {
    let number = 1
    const taken = (grant: string) => grant === `${IDS[voter]} ${incarnation}.${number}`
    const lists = [grantsOfSet[here[M] as number] as readonly string[]]
    for (let i = 0; i < nodes; i++) lists.push(grantsOfNode[here[i] as number] as readonly string[])
    while (lists.some((list) => list.some(taken))) number += 1
    return number - 1
  }

  // --- messages ----------------------------------------------------------------------------------------------------

  /** Of these only the newest per pair is kept. */
  const newestOnly = (part: Part): boolean =>
    part.kind === 'heartbeat' ||
    part.kind === 'ack' ||
    part.kind === 'bindAck' ||
    (part.kind === 'voteReply' && part.grant === null)
  const replaces = (a: Message, b: Message): boolean =>
    a.from === b.from && a.to === b.to && a.part.kind === b.part.kind && newestOnly(a.part) && newestOnly(b.part)
  const unions = new Map<string, number>()
  const add = (set: number, more: readonly number[]): number => {
    if (more.length === 0) return set
    const key = `${set}+${more.join(',')}`
    let result = unions.get(key)
    if (result === undefined) {
      let members = [...(sets[set] as readonly number[])]
      for (const id of more) {
        const message = messages[id] as Message
        members = members.filter((each) => !replaces(message, messages[each] as Message))
        if (!members.includes(id)) members.push(id)
      }
      result = internSet(members.sort((a, b) => a - b))
      unions.set(key, result)
    }
    return result
  }
  const aged = new Map<number, number>()
  /** The set one tick later: rounds of heartbeats and acks move back; those older than D are gone. */
  const age = (set: number, ticks: readonly boolean[]): number => {
    const key = set * 32 + ticks.reduce((bits, tick, i) => bits | (tick ? 1 << i : 0), 0)
    let result = aged.get(key)
    if (result === undefined) {
      const members: number[] = []
      for (const id of sets[set] as readonly number[]) {
        const message = messages[id] as Message
        const { part } = message
        if (part.kind !== 'heartbeat' && part.kind !== 'ack') {
          members.push(id)
          continue
        }
        const holder = part.kind === 'heartbeat' ? message.from : message.to
        const round = part.round - (ticks[holder] ? ROUNDS_PER_TICK : 0)
        if (round < BASE_ROUND - limits.promise * ROUNDS_PER_TICK) continue
        members.push(internMessage({ ...message, part: { ...part, round } as Part }))
      }
      result = internSet(members.sort((a, b) => a - b))
      aged.set(key, result)
    }
    return result
  }
  /** Messages to or from a life that is over can do nothing any more to the restarted process itself. */
  const forget = (set: number, index: number, incarnation: number): number =>
    internSet((sets[set] as readonly number[]).filter((id) => {
      const message = messages[id] as Message
      return message.to !== index || message.toIncarnation === incarnation
    }))

  // --- the search --------------------------------------------------------------------------------------------------

  const table = new StateTable(width, limits.maxStates)
  let generated = 0
  let violation: Outcome['violation'] = null
  let current = -1
  const row = new Int32Array(width)
  const labels: string[] = []
  const labelIds = new Map<string, number>()
  const label = (text: string): number => {
    let id = labelIds.get(text)
    if (id === undefined) {
      id = labels.length
      labels.push(text)
      labelIds.set(text, id)
    }
    return id
  }
  const scheduleOf = (last: string): string[] => {
    const schedule = [last]
    for (let at = current; at > 0; at = table.parent(at)) schedule.unshift(labels[table.label(at)] as string)
    return schedule
  }

  /** Takes `row` as a successor of `current`; checks it if it is new. */
  const reach = (how: () => string): void => {
    generated += 1
    const before = table.size
    if (!table.add(row, current, () => label(how()))) return
    if (table.size === before) return
    let holders = 0
    for (let i = 0; i < nodes; i++) if (valid[row[i] as number]) holders += 1
    if (holders > 1) violation ??= { property: 'P2: two valid leases', schedule: scheduleOf(how()) }
  }

  /** Applies a transition of node `i` to the row of `current` and follows it. */
  const follow = (i: number, transition: Transition, how: () => string, spent = 0): void => {
    row.set(table.row(current))
    row[B] = (row[B] as number) - spent
    followFrom(i, transition, how)
  }
  /** The same on top of what `row` already holds. */
  const followFrom = (i: number, transition: Transition, how: () => string): void => {
    row[i] = transition.node
    row[M] = add(row[M] as number, transition.messages)
    if (transition.wins.length > 0 || transition.renounced > 0) {
      const entry = nodeEntries[transition.node] as NodeEntry
      const history = histories[row[H] as number]
      const life = `${i}.${entry.incarnation}`
      let { won, last, renounced } = history as (typeof histories)[number]
      for (const term of transition.wins) {
        const other = won.find((each) => each.startsWith(`${term}:`))
        if (other !== undefined && other !== `${term}:${life}`) violation ??= { property: `P1: two winners of term ${term}`, schedule: scheduleOf(how()) }
        if (term <= last) violation ??= { property: `P3: term ${term} won after ${last}`, schedule: scheduleOf(how()) }
        if (renounced.includes(`${life}:${term}`)) violation ??= { property: `P7: ${life} leads term ${term} again`, schedule: scheduleOf(how()) }
        won = [...won, `${term}:${life}`].sort()
        last = Math.max(last, term)
      }
      if (transition.renounced > 0) renounced = [...new Set([...renounced, `${life}:${transition.renounced}`])].sort()
      row[H] = internHistory(won, last, renounced)
    }
    reach(how)
  }

  /** A heartbeat of this very tick from `i` to `to`: heard now, and its ack heard now, later (by `late`), or never. */
  const heartbeat = (here: Int32Array, i: number, to: number): void => {
    const sender = remembered(inputKey(here[i] as number, i, 2), () =>
      run(i, here[i] as number, [{ type: 'heartbeatNow', now: BASE }], onlyOnePerTick),
    )
    const sent = sender?.node ?? (here[i] as number)
    const from = nodeEntries[sent] as NodeEntry
    const toIncarnation = from.state.supports.get(IDS[to] as string)?.incarnation ?? 1
    const round = BASE_ROUND + 1
    const part: Part = { kind: 'heartbeat', round, promiseMs: limits.promise, probe: false, prompt: false }
    const grants = unusedGrant(here, to, (nodeEntries[here[to] as number] as NodeEntry).incarnation)
    const beatId = internMessage({ from: i, fromIncarnation: from.incarnation, to, toIncarnation, part })
    const voter = remembered(messageKey(here[to] as number, beatId) - grants * 2 ** 46, () =>
      run(to, here[to] as number, [{ type: 'frame', now: BASE, from: IDS[i] as string, fromIncarnation: from.incarnation, toIncarnation, parts: [part] }], undefined, grants),
    )
    if (voter === null) return
    row.set(here)
    row[i] = sent
    row[to] = voter.node
    row[M] = add(row[M] as number, voter.messages)
    reach(() => `${IDS[to]} hears a heartbeat of ${IDS[i]}, its ack is lost`)
    const ack = answers.get(voter)
    if (ack === undefined || limits.late !== 'none') return
    const counted = remembered(messageKey(sent, ack) - 2 ** 50, () => {
      const message = messages[ack] as Message
      const stampedNow = (state: NodeEntry['state']): void => {
        state.rounds.set(round, { sentAt: BASE, promiseMs: limits.promise })
      }
      return run(i, sent, [{ type: 'frame', now: BASE, from: IDS[to] as string, fromIncarnation: message.fromIncarnation, toIncarnation: message.toIncarnation, parts: [message.part] }], stampedNow)
    })
    if (counted === null) return
    followFrom(i, counted, () => `${IDS[to]} hears a heartbeat of ${IDS[i]} and acks it`)
  }

  const INPUTS = 8
  const inputKey = (node: number, i: number, kind: number) => ((node * 8 + i) * INPUTS + kind) * 2
  const messageKey = (node: number, message: number) => -(node * 2 ** 21 + message) - 1

  const describe = (message: Message): string => {
    const { kind, ...rest } = message.part
    return `${IDS[message.from]}>${IDS[message.to]} ${kind} ${JSON.stringify(rest)}`
  }

  for (let i = 0; i < nodes; i++) row[i] = internNode(i, 1, canonical(connectAll(startNode(configOf(i, 1, limits), limits, 0, false), i, limits), limits))
  row[M] = internSet([])
  row[H] = internHistory([], 0, [])
  row[B] = limits.crashes * 16 + limits.transfers
  row[P] = 0
  table.add(row, -1, () => label('start'))

  let depthEnd = 1
  let depth = 0
  for (current = 0; current < table.size && violation === null && table.size < limits.maxStates; current++) {
    if (current === depthEnd) {
      depth += 1
      depthEnd = table.size
    }
    const here = table.row(current).slice()
    for (let i = 0; i < nodes && violation === null; i++) {
      const id = here[i] as number
      const election = (nodeEntries[id] as NodeEntry).state.elections.get(NAME)
      const known = election?.slot.knownTerm ?? 0
      if (known < limits.maxTerm && election?.campaign == null) {
        const campaign = remembered(inputKey(id, i, 0), () => run(i, id, [{ type: 'campaign', now: BASE, election: NAME }]))
        if (campaign !== null) follow(i, campaign, () => `${IDS[i]} campaigns`)
      }
      if (election?.campaign != null) {
        const over = remembered(inputKey(id, i, 1), () => run(i, id, [{ type: 'tick', now: BASE }], endCampaignNow))
        if (over !== null) follow(i, over, () => `${IDS[i]}'s campaign ends`)
      }
      const stamped = (nodeEntries[id] as NodeEntry).state.ownRoundAt === BASE
      const busy = election?.lead != null || election?.campaign != null
      const beat = stamped || !busy || limits.late !== 'all' ? null : remembered(inputKey(id, i, 2), () => run(i, id, [{ type: 'heartbeatNow', now: BASE }]))
      if (beat !== null) follow(i, beat, () => `${IDS[i]} heartbeats`)
      if (busy && limits.late !== 'all') for (let to = 0; to < nodes; to++) if (to !== i) heartbeat(here, i, to)
      const look = remembered(inputKey(id, i, 3), () => run(i, id, [{ type: 'tick', now: BASE }]))
      if (look !== null) follow(i, look, () => `${IDS[i]} looks at its clock`)
      if (election?.lead != null && election.lead.frozen === null) {
        const resign = remembered(inputKey(id, i, 4), () => run(i, id, [renounceTo(null)]))
        if (resign !== null) follow(i, resign, () => `${IDS[i]} resigns`)
        if (((here[B] as number) & 15) > 0) {
          const to = (i + 1) % nodes
          const hand = remembered(inputKey(id, i, 5), () => run(i, id, [renounceTo(IDS[to] as string)]))
          if (hand !== null) follow(i, hand, () => `${IDS[i]} hands over to ${IDS[to]}`, 1)
        }
      }
      if ((here[B] as number) >= 16) {
        row.set(here)
        const { incarnation, state } = nodeEntries[id] as NodeEntry
        const term = state.elections.get(NAME)?.decidedTerm ?? 0
        const reborn = connectAll(startNode(configOf(i, incarnation + 1, limits), limits, term, true), i, limits)
        row[i] = internNode(i, incarnation + 1, canonical(reborn, limits))
        row[M] = forget(here[M] as number, i, incarnation + 1)
        row[B] = (here[B] as number) - 16
        reach(() => `${IDS[i]} crashes and restarts`)
      }
    }
    for (const id of sets[here[M] as number] as readonly number[]) {
      const message = messages[id] as Message
      const node = here[message.to] as number
      const grants = message.part.kind === 'heartbeat' ? unusedGrant(here, message.to, message.toIncarnation) : 0
      const transition = remembered(messageKey(node, id) - grants * 2 ** 46, () => {
        const { from, fromIncarnation, toIncarnation, part } = message
        const input = { type: 'frame', now: BASE, from: IDS[from] as string, fromIncarnation, toIncarnation, parts: [part] } as const
        return run(message.to, node, [input], undefined, grants)
      })
      if (transition !== null) follow(message.to, transition, () => describe(message))
    }
    // time
    row.set(here)
    const ticks: boolean[] = []
    const phase = here[P] as number
    for (let i = 0; i < nodes; i++) {
      const ticking = i !== limits.slow || phase === 1
      ticks.push(ticking)
    }
    const ticked = new Set(IDS.filter((_, i) => ticks[i]))
    for (let i = 0; i < nodes; i++) {
      const aged = remembered(inputKey(here[i] as number, i, 6 + phase), () => {
        const { incarnation, state } = nodeEntries[here[i] as number] as NodeEntry
        const state2 = later(state, limits, ticks[i] === true, ticked)
        return { node: internNode(i, incarnation, state2), messages: [], wins: [], renounced: 0 }
      })
      row[i] = (aged as Transition).node
    }
    row[M] = age(here[M] as number, ticks)
    row[P] = limits.slow >= 0 ? 1 - phase : 0
    reach(() => 'a tick passes')
  }
  const used = process.cpuUsage(cpu)
  return {
    generated,
    distinct: table.size,
    depth,
    complete: violation === null && current >= table.size,
    cpuSeconds: (used.user + used.system) / 1e6,
    nodeStates: nodeEntries.length,
    steps,
    violation,
  }
}

/** All rounds of one tick count from the same instant: one is enough. */
function onlyOnePerTick(state: NodeEntry['state']): void {
  for (const [round, { sentAt }] of state.rounds) if (sentAt === BASE) state.rounds.delete(round)
  state.round = BASE_ROUND
}

function endCampaignNow(state: NodeEntry['state']): void {
  const campaign = state.elections.get(NAME)?.campaign
  if (campaign != null) campaign.deadline = BASE
}

function renounceTo(to: string | null): Input {
  return { type: 'renounce', now: BASE, election: NAME, reason: to === null ? 'resigned' : 'transferred', to, cooldownMs: 0 }
}

/** Everybody has met everybody's first life: links exist from the start, so that exploration begins with the protocol. */
function connectAll(state: NodeEntry['state'], index: number, bounds: Bounds): NodeEntry['state'] {
  for (let peer = 0; peer < bounds.nodes; peer++) {
    if (peer === index) continue
    state.supports.set(IDS[peer] as string, {
      incarnation: 1,
      storageId: `disk-${IDS[peer]}`,
      ended: false,
      grant: null,
      until: BASE,
      lastRound: 0,
      bound: new Set(),
      heldAcks: [],
    })
  }
  return state
}
