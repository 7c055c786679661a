/**
 * What an operator should know of a process before it costs a leadership, as sentences. For `status()`; decides nothing.
 *
 * What the options alone tell is found when they are read (`read-voters.ts`), and comes first here.
 */
import type { LinkStats } from '../ports/transport'
import type { Subject } from './status'

/** What an operator should know, in sentences. `timed`: promises rest on waiting (R28). */
export function warningsOf(
  { config, counters, eventLoop, margin }: Subject,
  timed: boolean,
  links: readonly LinkStats[],
): string[] {
  const warnings = [...config.warnings]
  const { promiseMs } = config.timing
  if (timed && config.plan.isVoter && config.plan.voters.length > 1) {
    warnings.push(
      'nothing survives a restart of this process; a majority that restarts together forgets (R28)',
    )
  }
  // with a worker the loop of this thread carries no heartbeats
  if (eventLoop !== null && config.worker === null && eventLoop.p99Ms > promiseMs / 4) {
    warnings.push(
      `the event loop is late by ${eventLoop.p99Ms} ms (p99), more than a quarter of promiseMs ${promiseMs}: leaderships will be lost`,
    )
  }
  const { renewalP99Ms, budgetMs } = margin
  if (renewalP99Ms !== null && renewalP99Ms > budgetMs / 2) {
    warnings.push(
      `renewals take ${renewalP99Ms} ms (p99), more than half of the ${budgetMs} ms after which leaderships are lost: raise promiseMs, or look at the network, the voters and the event loop`,
    )
  }
  const refused = counters?.refused ?? {}
  if (refused.amnesiac) warnings.push('a voter came back with another storage and is not counted (R25, R26)')
  if (refused.duplicateIdentity) warnings.push('two live processes use one id (R27)')
  if (refused.staleIncarnation) warnings.push('a voter came back with an old copy of its storage (R27)')
  return [...warnings, ...refusalWarnings(links)]
}

/** What no try again will cure, by the reason of a refusal: told at the end that was refused as well, whoever looks there. */
const INCURABLE: Readonly<Record<string, (peer: string) => string>> = {
  wrongVersion: (peer) =>
    `${peer} speaks no version of the protocol that this process speaks, and is not counted; \`conclave doctor\` says which it speaks`,
  'by the peer: amnesiac': (peer) =>
    `${peer} knows another storage under the id of this process, and does not count it (R25): give back its data directory, or start it under a new id that all members know`,
  'by the peer: duplicateIdentity': (peer) =>
    `${peer} is connected to another live process of this id, and does not count this one (R27): stop one of them`,
  'by the peer: staleIncarnation': (peer) =>
    `${peer} has met a later life of this process: its data directory is an old copy (R27); treat it as a lost disk`,
}

function refusalWarnings(links: readonly LinkStats[]): string[] {
  const reasons = Object.keys(INCURABLE)
  return links.flatMap(({ peer, connected, lastError }) => {
    const reason = connected ? undefined : reasons.find((each) => lastError?.includes(each))
    return reason === undefined ? [] : [INCURABLE[reason]?.(peer) ?? reason]
  })
}
