/**
 * Operations on a cluster whose members vote: they are asked, and what only the leader can do is asked of it.
 *
 * Decides whom to ask; what is done is decided by the member. Read next: `operator-cluster.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ElectionName, PausedLeader, ProcessId } from '../core'
import type { AnswerTo } from '../runtime/operator-answer'
import { whyNotReady } from './heir'
import type { HandedOver, Operations, Outcome, PastLeadership, PauseSaid } from './operations'
import type { OperatorCluster, Said } from './operator-cluster'
import { nobody, type Survey, surveyOf } from './survey'

/** Between two looks at a member that is not ready yet, ms. */
const LOOK_EVERY_MS = 100

/** A member is given that much longer to answer than it was told to wait, ms. */
const GRACE_MS = 1_000

/** See `Operations`. */
export class PeerOperations implements Operations {
  constructor(
    private readonly cluster: OperatorCluster,
    private readonly timeoutMs: number,
  ) {}

  async survey(election: ElectionName | null): Promise<Survey> {
    return surveyOf(this.cluster.cluster, await this.cluster.survey(election, this.timeoutMs))
  }

  async history(election: ElectionName | null): Promise<Outcome<readonly PastLeadership[]>> {
    const { cluster, timeoutMs } = this
    const survey = await this.survey(election)
    const asked = survey.members.filter(({ why }) => why === null).map(({ id }) => id)
    if (asked.length === 0) return nobody(survey)
    const told = await Promise.all(
      asked.map(async (id) => ({ id, said: await cluster.history(id, election, timeoutMs) })),
    )
    return { ok: true, value: mergeHistories(told, survey) }
  }

  async resign(
    election: ElectionName,
    { to, cooldownMs }: Parameters<Operations['resign']>[1],
  ): Promise<Outcome<HandedOver>> {
    let from = await this.leaderOf(election)
    if (!from.ok) return from
    if (from.value === to) return { ok: false, why: `${to} leads "${election}" already` }
    const notReady = to === null ? null : await this.untilReady(election, to)
    if (notReady !== null) {
      return { ok: false, why: `${to} cannot take "${election}" over: ${notReady}; nothing was given up` }
    }
    for (let tries = 0; ; tries++) {
      const said: Said<AnswerTo<'resign'>> = await this.cluster.ask(
        from.value,
        {
          command: 'resign',
          election,
          timeoutMs: this.timeoutMs,
          ...(to === null ? {} : { to }),
          ...(cooldownMs === null ? {} : { cooldownMs }),
        },
        this.timeoutMs + GRACE_MS,
      )
      if (!said.ok) return refusedBy(from.value, said)
      // the leadership moved between the question and the command: once, it is followed
      const moved: ProcessId | null = said.value.failure === 'notLeader' ? said.value.leader : null
      if (moved === null || moved === from.value || tries > 0) {
        return { ok: true, value: { ...said.value, from: from.value } }
      }
      from = { ok: true, value: moved }
    }
  }

  pause(election: ElectionName, leader: PausedLeader): Promise<Outcome<PauseSaid>> {
    return this.say(election, (member) =>
      this.cluster.ask(
        member,
        { command: 'pause', election, leader, timeoutMs: this.timeoutMs },
        this.timeoutMs + GRACE_MS,
      ),
    )
  }

  resume(election: ElectionName): Promise<Outcome<PauseSaid>> {
    return this.say(election, (member) =>
      this.cluster.ask(
        member,
        { command: 'resume', election, timeoutMs: this.timeoutMs },
        this.timeoutMs + GRACE_MS,
      ),
    )
  }

  async close(): Promise<void> {
    this.cluster.close()
  }

  /** Waits until that member can take over, no longer than the time limit; null, or why it cannot. */
  private async untilReady(election: ElectionName, to: ProcessId): Promise<string | null> {
    for (const end = performance.now() + this.timeoutMs; ; await sleep(LOOK_EVERY_MS)) {
      const notReady = whyNotReady(await this.survey(election), election, to)
      if (notReady === null) return null
      if (!notReady.willPass || performance.now() >= end) return notReady.why
    }
  }

  /** Any member that has the election will do; the leader hears of it first. */
  private async say(
    election: ElectionName,
    ask: (member: ProcessId) => Promise<Said<PauseSaid>>,
  ): Promise<Outcome<PauseSaid>> {
    const survey = await this.survey(election)
    const row = survey.elections.find(({ name }) => name === election)
    const [first] = row?.members ?? []
    if (row === undefined || first === undefined) return nobody(survey)
    const member = row.leader !== null && row.members.includes(row.leader) ? row.leader : first
    const said = await ask(member)
    return said.ok ? { ok: true, value: said.value } : refusedBy(member, said)
  }

  private async leaderOf(election: ElectionName): Promise<Outcome<ProcessId>> {
    const survey = await this.survey(election)
    const leader = survey.elections.find(({ name }) => name === election)?.leader ?? null
    if (survey.answered === 0) return nobody(survey)
    if (leader === null) return { ok: false, why: `nobody leads "${election}"` }
    const member = survey.members.find(({ id }) => id === leader)
    if (member === undefined) {
      return { ok: false, why: `${leader} leads "${election}", and is not among --members` }
    }
    if (member.why === null) return { ok: true, value: leader }
    return { ok: false, why: `${leader} leads "${election}" and does not answer: ${member.why}` }
  }
}

function refusedBy(
  member: ProcessId,
  { code, message }: { readonly code: string; readonly message: string },
): Outcome<never> {
  return {
    ok: false,
    why: ['unreachable', 'refused'].includes(code)
      ? `${member}: ${message}`
      : `${member} refuses: ${message} (${code})`,
  }
}

/** Who led when: the word of the leader itself where it remembers, otherwise of those who saw it. Pure. */
export function mergeHistories(
  told: readonly { readonly id: ProcessId; readonly said: Said<AnswerTo<'history'>['elections']> }[],
  survey: Survey,
): PastLeadership[] {
  const found = new Map<string, PastLeadership>()
  for (const { id, said } of told) {
    for (const { name: election, history, leaders } of said.ok ? said.value : []) {
      for (const { term, wonAtMs, heldMs, reason } of history) {
        const own = { election, term, leader: id, sinceMs: wonAtMs, heldMs, reason, goesOn: false }
        found.set(`${election} ${term}`, own)
      }
      for (const { leader, term, seenAtMs } of leaders) {
        const known = found.get(`${election} ${term}`)
        if (known !== undefined && (known.reason !== null || known.sinceMs <= seenAtMs)) continue
        const row = survey.elections.find(({ name }) => name === election)
        const goesOn = row?.leader === leader && row.term === term
        found.set(`${election} ${term}`, {
          ...{ election, term, leader, sinceMs: seenAtMs, heldMs: null, reason: null, goesOn },
        })
      }
    }
  }
  return [...found.values()].sort((a, b) =>
    a.election === b.election ? a.term - b.term : a.election < b.election ? -1 : 1,
  )
}
