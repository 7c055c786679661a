/** What is different between two looks at a cluster, as sentences: what `conclave watch` prints into a pipe. Pure. */
import { disagreements } from './status-table'
import type { ElectionRow, MemberRow, Survey } from './survey'

/** One sentence per change; everything that is worth one at the first look. */
export function changesBetween(before: Survey | null, after: Survey): string[] {
  const found: string[] = []
  for (const row of after.elections) {
    const former = before?.elections.find(({ name }) => name === row.name)
    found.push(...electionChanges(former, row).map((change) => `${row.name}: ${change}`))
  }
  for (const { name } of before?.elections ?? []) {
    if (!after.elections.some((row) => row.name === name)) found.push(`${name}: nobody knows of it any more`)
  }
  for (const row of after.members) {
    const former = before?.members.find(({ id }) => id === row.id)
    found.push(...memberChanges(former, row).map((change) => `${row.id}: ${change}`))
  }
  if ((before?.hasQuorum ?? true) !== after.hasQuorum) {
    found.push(after.hasQuorum ? 'a quorum of the members answers' : 'no quorum of the members answers')
  }
  return found
}

function electionChanges(before: ElectionRow | undefined, after: ElectionRow): string[] {
  const found: string[] = []
  if (before?.leader !== after.leader || before.term !== after.term) {
    const former = before?.leader == null ? '' : ` (before: ${before.leader}, term ${before.term})`
    found.push(
      after.leader === null
        ? `nobody leads${former}`
        : `${after.leader} leads in term ${after.term}${former}`,
    )
  }
  const paused = pauseOf(after)
  if (pauseOf(before) !== paused) found.push(paused ?? 'is resumed')
  const former = before === undefined ? [] : disagreements(before)
  const present = disagreements(after)
  for (const view of present) if (!former.includes(view)) found.push(`not agreed: ${view}`)
  if (present.length === 0 && former.length > 0) found.push('all agree again')
  return found
}

function pauseOf(row: ElectionRow | undefined): string | null {
  if (row?.paused == null) return null
  return `is paused by ${row.paused.by}, the leader ${row.paused.leader === 'stays' ? 'stays' : 'steps down'}`
}

function memberChanges(before: MemberRow | undefined, after: MemberRow): string[] {
  const found: string[] = []
  const state = ({ state, why }: MemberRow): string => (why === null ? state : `${state}: ${why}`)
  if (before === undefined || state(before) !== state(after)) found.push(state(after))
  const wasUnhealthy = before?.health === 'unhealthy'
  if (wasUnhealthy !== (after.health === 'unhealthy') && after.health !== null) found.push(after.health)
  if (before !== undefined && before.version !== after.version && after.version !== null) {
    found.push(`has configuration ${after.version}`)
  }
  const [formerly = '', spoken] = [before?.protocols.join(', '), after.protocols.join(', ')]
  if (formerly !== '' && spoken !== '' && formerly !== spoken) found.push(`speaks protocol ${spoken}`)
  return found
}
