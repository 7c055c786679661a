/** A survey as lines for people: elections, members, and what they do not agree on. Pure. */

import type { ElectionRow, MemberRow, Survey } from './survey'
import { type ToneLine, tableOf, thousands } from './table'

/** Elections that are listed one by one; of more the ones with something to say come first. */
const MAX_ROWS = 1_000

/** The lines of `conclave status`. */
export function statusLines(survey: Survey): ToneLine[] {
  const { cluster, members, answered, hasQuorum } = survey
  const quorum = hasQuorum ? '' : ': no quorum'
  return [
    {
      text: `cluster ${cluster}: ${answered} of ${members.length} members answered${quorum}`,
      tone: hasQuorum ? 'plain' : 'bad',
    },
    { text: '', tone: 'plain' },
    ...electionLines(survey.elections),
    { text: '', tone: 'plain' },
    ...memberLines(members),
  ]
}

/** One row per election, and a line below it for each thing that members see differently. */
function electionLines(elections: readonly ElectionRow[]): ToneLine[] {
  if (elections.length === 0) return [{ text: 'no elections', tone: 'dim' }]
  const shown = elections.slice(0, MAX_ROWS)
  const [head = '', ...rows] = tableOf(
    [
      { head: 'ELECTION' },
      { head: 'LEADER' },
      { head: 'TERM', isNumber: true },
      { head: 'LEASE', isNumber: true },
      { head: 'PAUSED' },
    ],
    shown.map(({ name, leader, term, leaseMs, paused }) => [
      name,
      leader ?? '-',
      leader === null ? '-' : String(term),
      leaseMs === null ? '-' : `${thousands(leaseMs)} ms`,
      paused === null
        ? 'no'
        : `by ${paused.by}, leader ${paused.leader === 'stays' ? 'stays' : 'steps down'}`,
    ]),
  )
  const lines: ToneLine[] = [{ text: head, tone: 'head' }]
  shown.forEach((row, at) => {
    lines.push({ text: rows[at] ?? '', tone: row.leader === null ? 'bad' : 'plain' })
    for (const text of [...disagreements(row), ...row.whyNot]) lines.push({ text: `  ${text}`, tone: 'bad' })
  })
  const more = elections.length - shown.length
  if (more > 0) lines.push({ text: `and ${thousands(more)} more: --json has all`, tone: 'dim' })
  return lines
}

/** Who sees what else; nothing if all agree. */
export function disagreements({ leader, term, views, paused, pausedAt, members }: ElectionRow): string[] {
  const others = views.filter((view) => view.leader !== leader || view.term !== term)
  return [
    ...others.map((view) =>
      view.leader === null
        ? `${view.members.join(', ')}: knows of no leader`
        : `${view.members.join(', ')}: ${view.leader} leads in term ${view.term}`,
    ),
    ...(paused !== null && pausedAt.length > 0
      ? [`${members.filter((id) => !pausedAt.includes(id)).join(', ')}: has not heard of the pause`]
      : []),
  ]
}

/** One row per member; behind it why there is no answer. */
function memberLines(members: readonly MemberRow[]): ToneLine[] {
  const hasProtocols = members.some(({ protocols }) => protocols.length > 0)
  const hasVersions = members.some(({ version }) => version !== null)
  const [head = '', ...rows] = tableOf(
    [
      { head: 'MEMBER' },
      { head: 'ADDRESS' },
      { head: 'STATE' },
      { head: 'ROLE' },
      { head: 'HEALTH' },
      { head: 'ROUND TRIP', isNumber: true },
      { head: 'ALIVE FOR' },
      ...(hasProtocols ? [{ head: 'PROTOCOL' }] : []),
      ...(hasVersions ? [{ head: 'CONFIG' }] : []),
    ],
    members.map(({ id, address, state, kind, health, roundTripMs, aliveFor, protocols, version }) => [
      id,
      address,
      state,
      kind ?? '-',
      health ?? '-',
      roundTripMs === null ? '-' : `${roundTripMs.toFixed(1)} ms`,
      aliveFor.join(', ') || '-',
      ...(hasProtocols ? [protocols.join(', ') || '-'] : []),
      ...(hasVersions ? [version ?? '-'] : []),
    ]),
  )
  const lines: ToneLine[] = [{ text: head, tone: 'head' }]
  members.forEach(({ state, why, health, warnings }, at) => {
    const isBad = state !== 'running' || health === 'unhealthy'
    lines.push({ text: rows[at] ?? '', tone: isBad ? 'bad' : 'plain' })
    if (why !== null) lines.push({ text: `  ${why}`, tone: 'bad' })
    for (const warning of warnings) lines.push({ text: `  ${warning}`, tone: 'dim' })
  })
  return lines
}
