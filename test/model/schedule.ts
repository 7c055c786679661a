/**
 * How a counterexample reads: the actions by name, and what of each process changed.
 *
 * The search knows seats, and everybody moves seats after each action; here every process keeps its own name from the
 * first action to the last. Read next: `replay.ts` (the same schedule over the core as it is).
 */
import { Code } from './behaviour'
import { BASE, electionIn, leaseEnd, letter, offsetOf } from './process'
import type { Action, Search } from './search'

/** One action with the members that sit at the seats before it, and the places after it by seat. */
export interface Step {
  readonly action: Action
  /** Member by seat, before the action. */
  readonly members: readonly number[]
  /** Whether neighbours sit in the order in which they did at the start. */
  readonly turned: boolean
  /** Place by seat, before and after the action. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** A violation as lines of text, one action after the other. */
export function describePath(search: Search, steps: readonly Step[]): string[] {
  const lines: string[] = []
  steps.forEach((step, i) => {
    const name = (seat: number) => letter(step.members[seat % step.members.length] as number)
    lines.push(`${String(i + 1).padStart(3)}. ${describe(search, step, name)}`)
    const order = [...step.members.keys()].sort(
      (x, y) => (step.members[x] as number) - (step.members[y] as number),
    )
    for (const seat of order) {
      if (step.before[seat] === step.after[seat]) continue
      lines.push(`       ${portrait(search, step.after[seat] as number, seat, name)}`)
    }
  })
  return lines
}

type Name = (seat: number) => string

function describe(search: Search, { action }: Step, name: Name): string {
  const { seat, detail, kind } = action
  const who = name(seat)
  switch (kind) {
    case 'tick':
      return 'a tick passes'
    case 'crash':
      return `${who} crashes and begins another life`
    case 'meet':
      return `${who} and ${name(detail & 7)} greet each other`
    case 'beat':
      return `a heartbeat of ${who} reaches ${name(seat + detail)}; its ack does not arrive now`
    case 'beatAcked':
      return `a heartbeat of ${who} reaches ${name(seat + detail)}, and its ack comes back`
    case 'handOver':
      return `${who} hands over to ${name(seat + detail)}`
    default:
      return describeInput(search, seat, detail, name)
  }
}

const INPUTS: Readonly<Record<number, string>> = {
  [Code.campaign]: 'campaigns',
  [Code.campaignEnds]: 'ends its campaign',
  [Code.look]: 'looks at its clock',
  [Code.resign]: 'resigns',
  [Code.written]: 'has its own vote on the disk',
}

function describeInput(search: Search, seat: number, code: number, name: Name): string {
  const who = name(seat)
  if (code in INPUTS) return `${who} ${INPUTS[code]}`
  if (code < Code.learn) {
    return `${who} hears that a heartbeat of its own renewed nothing at ${name(seat + (code & 7))}`
  }
  if (code < Code.ack) {
    const learnt = code - Code.learn
    return `${who} hears a refusal of ${name(seat + (learnt >> 3))} that tells term ${learnt & 7}`
  }
  if (code < Code.hear) {
    const ack = code - Code.ack
    return `${who} hears a late ack of ${name(seat + (ack >> 4))}: counted for ${ack & 15} more`
  }
  const { from, life, part } = search.behaviour.hearings.at((code - Code.hear) >> 4)
  const session = (code - Code.hear) & 15
  const begins = session > 0 ? `, in a session with ${session} left` : ''
  const older = life < search.life ? ' (a life that is over)' : ''
  const { kind, ...rest } = part
  const said = 'term' in rest ? ` of term ${rest.term}` : ''
  return `${who} hears ${kind}${said} from ${name(seat + from)}${older}${begins}`
}

function portrait(search: Search, place: number, seat: number, seatName: Name): string {
  const state = search.behaviour.state(place)
  const name = (id: string) => seatName(seat + offsetOf(id))
  const { slot, lead, campaign } = electionIn(state)
  let text = `${seatName(seat)}: term ${slot.knownTerm}`
  if (state.bootUntil > BASE) text += `, boots for ${state.bootUntil - BASE}`
  if (lead !== null) {
    const left = leaseEnd(state) - BASE
    const bound = [...lead.bound].map(([voter, grants]) => `${name(voter)} (${grants.join(' ')})`)
    text += `, LEADS term ${lead.term} ${left > 0 ? `for ${left}` : 'no more'} by ${bound.join(', ')}`
  }
  if (campaign !== null) {
    const grants = [...campaign.grants].map(([voter, grant]) => `${name(voter)} (${grant})`)
    text += `, stands for term ${campaign.term} with ${grants.join(', ')}`
    if (!campaign.durable) text += ', its own vote not on the disk yet'
  }
  const held = slot.binding
  if (held !== null && held.leader !== letter(0)) {
    text += `, bound to ${name(held.leader)} in term ${held.term}${held.led ? ', announced' : ''}`
  }
  for (const [id, support] of state.supports) {
    if (support.grant !== null)
      text += `, supports ${name(id)} (${support.grant}) for ${support.until - BASE}`
  }
  for (const [id, account] of state.accounts) {
    for (const [grant, until] of account.untilByGrant)
      text += `, counts ${name(id)} (${grant}) for ${until - BASE}`
  }
  return text
}
