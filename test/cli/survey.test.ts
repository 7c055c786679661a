/** Goal: what an operator reads is what the members said, disagreement included (USERS 22). Method: reports by hand. */
import { describe, expect, it } from 'vitest'
import { whyNotReady } from '../../src/cli/heir'
import { historyLines } from '../../src/cli/history'
import { sentenceOf as pauseSentence } from '../../src/cli/pause'
import { mergeHistories } from '../../src/cli/peer-operations'
import { sentenceOf } from '../../src/cli/resign'
import { statusLines } from '../../src/cli/status-table'
import { type MemberReport, surveyOf } from '../../src/cli/survey'
import { changesBetween } from '../../src/cli/survey-changes'
import { coloursFor, painted, tableOf, timeOf } from '../../src/cli/table'

type Answer = NonNullable<MemberReport['answer']>
type Entry = Answer['elections'][number]

const entry = (name: string, leader: string | null, more: Partial<Entry> = {}): Entry => ({
  name,
  role: 'follower',
  isLeader: false,
  leader,
  term: leader === null ? 0 : 3,
  token: null,
  isContending: true,
  isHealthy: null,
  isPaused: false,
  leaseRemainingMs: 0,
  paused: null,
  ...more,
})

const leads = (name: string, leader: string): Entry =>
  entry(name, leader, { role: 'leader', isLeader: true, leaseRemainingMs: 1_234, token: 3 })

function report(id: string, elections: readonly Entry[], dead: readonly string[] = []): MemberReport {
  const members = ['a', 'b', 'c'].map((other) => ({
    ...{ id: other, kind: 'peer', isSelf: other === id, address: null, isConnected: true, roundTripMs: 1 },
    protocolVersion: other === id ? null : 2,
    isAlive: !dead.includes(other),
  }))
  const status = {
    ...{ id, cluster: 'orders', memberKind: 'voter', phase: 'running', membership: null, warnings: [] },
    members,
  }
  return {
    id,
    address: `10.0.0.1:740${id.charCodeAt(0) - 96}`,
    why: null,
    code: null,
    answer: { status, elections: [...elections], roundTripMs: 1.25 },
  }
}

const gone = (id: string, why = 'connect ECONNREFUSED', code = 'unreachable'): MemberReport => ({
  ...{ id, address: '10.0.0.1:7403', why, code, answer: null },
})

const textOf = (reports: readonly MemberReport[]): string[] =>
  statusLines(surveyOf('orders', reports)).map(({ text }) => text)

describe('conclave transfer', () => {
  const survey = (change: Partial<Entry> = {}, dead: readonly string[] = [], status: object = {}) => {
    const [a, b, c] = [
      report('a', [leads('job', 'a')], dead),
      report('b', [entry('job', 'a', change)]),
      report('c', [entry('job', 'a')]),
    ]
    Object.assign(b.answer?.status ?? {}, status)
    return surveyOf('orders', [a, b, c])
  }

  it('asks nobody to let go for a member that cannot take over, and waits for one that soon can', () => {
    const why = (...of: Parameters<typeof survey>) => whyNotReady(survey(...of), 'job', 'b')
    expect(why()).toBeNull()
    expect(why({ isContending: false, whyNotLeader: ['it never leads'] })).toEqual({
      ...{ why: 'it never leads', willPass: false },
    })
    expect(why({ isHealthy: false })).toMatchObject({ willPass: false })
    expect(why({ leader: null, term: 0 })).toMatchObject({
      ...{ why: 'it does not know yet that a leads in term 3', willPass: true },
    })
    expect(why({ term: 2 })).toMatchObject({ willPass: true })
    expect(why({}, ['b'])).toMatchObject({ why: 'a does not hear from it', willPass: true })
    expect(why({}, [], { bootWaitMs: 700 })).toMatchObject({ willPass: true })
    const without = [report('a', [leads('job', 'a')]), gone('b')]
    expect(whyNotReady(surveyOf('orders', without), 'job', 'b')).toEqual({
      ...{ why: 'it does not answer: connect ECONNREFUSED', willPass: false },
    })
    expect(whyNotReady(survey(), 'job', 'z'), 'the leader knows').toBeNull()
    expect(whyNotReady(survey({ paused: { by: 'a', sinceMs: 1, leader: 'stays' } }), 'job', 'b')).toBeNull()
  })
})

describe('conclave status', () => {
  it('shows elections and members, and is well', () => {
    const reports = [
      report('a', [leads('job', 'a'), entry('mail', 'b')]),
      report('b', [entry('job', 'a'), leads('mail', 'b')]),
      report('c', [entry('job', 'a'), entry('mail', 'b')]),
    ]
    expect(surveyOf('orders', reports).isWell).toBe(true)
    expect(textOf(reports)).toEqual([
      'cluster orders: 3 of 3 members answered',
      '',
      'ELECTION  LEADER  TERM     LEASE  PAUSED',
      'job       a          3  1,234 ms  no',
      'mail      b          3  1,234 ms  no',
      '',
      'MEMBER  ADDRESS        STATE    ROLE   HEALTH   ROUND TRIP  ALIVE FOR  PROTOCOL',
      'a       10.0.0.1:7401  running  voter  healthy      1.3 ms  b, c       2',
      'b       10.0.0.1:7402  running  voter  healthy      1.3 ms  a, c       2',
      'c       10.0.0.1:7403  running  voter  healthy      1.3 ms  a, b       2',
    ])
  })

  it('shows which versions of the protocol a member speaks with the others, and a member too old to say it as well', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => report(id, [entry('job', 'a')])) as MemberReport[]
    for (const each of a?.answer?.status.members ?? []) if (each.id === 'c') each.protocolVersion = 1
    for (const each of b?.answer?.status.members ?? []) delete each.protocolVersion
    const survey = surveyOf('orders', [a, b, c] as MemberReport[])
    expect(survey.members.map(({ protocols }) => protocols)).toEqual([[1, 2], [], [2]])
    const text = statusLines(survey).map((line) => line.text)
    expect(text.slice(-3).map((line) => line.split(/ {2,}/).at(-1))).toEqual(['1, 2', '-', '2'])
    const later = surveyOf('orders', [report('a', [entry('job', 'a')]), b, c] as MemberReport[])
    expect(changesBetween(survey, later)).toEqual(['a: speaks protocol 2'])
  })

  it('shows who does not answer and why, and who sees it otherwise; a majority is enough to be well', () => {
    const reports = [
      report('a', [leads('job', 'a')], ['c']),
      report('b', [entry('job', 'c', { term: 2 })], ['c']),
      gone('c'),
    ]
    const survey = surveyOf('orders', reports)
    expect([survey.isWell, survey.answered, survey.hasQuorum]).toEqual([true, 2, true])
    const text = textOf(reports)
    expect(text).toContain('  b: c leads in term 2')
    expect(text.slice(-2)).toEqual([
      'c       10.0.0.1:7403  unreachable  -      -                 -  -          -',
      '  connect ECONNREFUSED',
    ])
  })

  it('is not well without a quorum, without an answer, or while an election has no leader', () => {
    const led = [leads('job', 'a')]
    expect(surveyOf('orders', [report('a', led), gone('b'), gone('c')])).toMatchObject({
      hasQuorum: false,
      isWell: false,
    })
    expect(surveyOf('orders', [gone('a'), gone('b', 'no', 'refused')])).toMatchObject({
      answered: 0,
      isWell: false,
      members: [{ state: 'unreachable' }, { state: 'refused' }],
    })
    const why = entry('job', null, { whyNotLeader: ['no quorum'] })
    const reports = [report('a', [why]), report('b', [entry('job', null)]), report('c', [])]
    expect(surveyOf('orders', reports)).toMatchObject({ hasQuorum: true, isWell: false })
    expect(textOf(reports)).toContain('  a: no quorum')
  })

  it('shows a pause, and who has not heard of it; and who is unhealthy', () => {
    const paused = { by: 'a', sinceMs: 1, leader: 'stepsDown' }
    const reports = [
      report('a', [entry('job', null, { paused })]),
      report('b', [entry('job', null, { isHealthy: false })]),
    ]
    const text = textOf(reports)
    expect(text).toContain('job       -          -      -  by a, leader steps down')
    expect(text).toContain('  b: has not heard of the pause')
    expect(text.at(-1)).toContain('unhealthy')
  })

  it('what is not asked, a store for instance, counts for the quorum if somebody hears from it', () => {
    const reports = [report('a', [leads('job', 'a')])]
    expect(surveyOf('orders', reports).hasQuorum).toBe(true)
    expect(surveyOf('orders', [report('a', [leads('job', 'a')], ['b', 'c'])]).hasQuorum).toBe(false)
  })
})

describe('sentences', () => {
  const result = {
    ...{ from: 'a', released: true, term: 3, leader: 'b', leaderTerm: 4, leaderlessMs: 12 },
    failure: null,
  }

  it.each([
    [{}, 'a gave "job" up (term 3); b leads in term 4, 12 ms without a leader.'],
    [
      { leader: null, leaderlessMs: null, failure: 'nobodyLeads' },
      'a gave "job" up (term 3); nobody is known to lead yet.',
    ],
    [{ failure: 'notLeader', leaderlessMs: null }, 'a did not lead "job"; b leads in term 4.'],
    [
      { leader: 'a', failure: 'leadsAgain' },
      'a gave "job" up (term 3), and leads again in term 4: nobody else could.',
    ],
    [
      { failure: 'anotherLeads' },
      'a gave "job" up (term 3); c did not take over: b leads in term 4, 12 ms without a leader.',
    ],
  ])('of a hand-over: %o', (change, sentence) => {
    expect(sentenceOf('job', { ...result, ...change }, 'c')).toBe(sentence)
  })

  it('of work that did not stop, and of pauses', () => {
    const stuck = sentenceOf('job', { ...result, released: false, failure: 'notReleased' }, null)
    expect(stuck).toContain('did not let "job" go before its lease ran out')
    const said = { isPaused: true, leader: 'a', leaderStays: true, voters: ['a', 'b'] }
    expect(pauseSentence('job', said)).toBe('"job" is paused (a, b hold the word); a goes on leading.')
    expect(pauseSentence('job', { ...said, leaderStays: false })).toContain('a steps down.')
    expect(pauseSentence('job', { ...said, isPaused: false })).toContain(
      'is resumed (a, b hold the word); a leads.',
    )
  })
})

describe('conclave history', () => {
  it('takes the word of the leader itself, then the first who saw it', () => {
    const survey = surveyOf('orders', [
      report('a', [entry('job', 'b', { term: 2 })]),
      report('b', [{ ...leads('job', 'b'), term: 2 }]),
      gone('c'),
    ])
    const seen = (leader: string, term: number, seenAtMs: number) => ({ leader, term, seenAtMs })
    const past = { name: 'job', ended: {} }
    const told = [
      {
        id: 'b',
        said: {
          ok: true as const,
          value: [{ ...past, history: [], leaders: [seen('a', 1, 900), seen('b', 2, 2_000)] }],
        },
      },
      {
        id: 'a',
        said: {
          ok: true as const,
          value: [
            {
              ...past,
              history: [{ term: 1, wonAtMs: 1_000, heldMs: 950, reason: 'resigned' }],
              leaders: [seen('a', 1, 1_000), seen('b', 2, 2_100)],
            },
          ],
        },
      },
      { id: 'c', said: { ok: false as const, code: 'unreachable', message: 'gone' } },
    ]
    expect(historyLines(mergeHistories(told, survey))).toEqual([
      'ELECTION  TERM  LEADER  SINCE                       HELD  ENDED',
      'job          1  a       1970-01-01 00:00:01.000Z  950 ms  resigned',
      'job          2  b       1970-01-01 00:00:02.000Z       -  leads',
    ])
    expect(historyLines([])).toEqual(['no leaderships are remembered'])
  })
})

describe('tables and colours', () => {
  it('columns are as wide as they need to be, numbers at their right', () => {
    const columns = [{ head: 'A' }, { head: 'N', isNumber: true as const }]
    expect(
      tableOf(columns, [
        ['long', '1'],
        ['', '100'],
      ]),
    ).toEqual(['A       N', 'long    1', '      100'])
  })

  it('wall clocks are UTC; what is no time is shown as it came', () => {
    expect(timeOf(1_764_460_800_123)).toBe('2025-11-30 00:00:00.123Z')
    expect([timeOf(Number.NaN), timeOf(1e300)]).toEqual(['NaN', '1e+300'])
  })

  it('colours only on a terminal, and not for who does not want them', () => {
    expect(coloursFor(false, {})).toBe(false)
    expect(coloursFor(true, { NO_COLOR: '1' })).toBe(false)
    expect(coloursFor(true, { NO_COLOR: '', TERM: 'xterm' })).toBe(true)
    expect(painted({ text: 'x', tone: 'bad' }, true)).toBe('\u001b[31mx\u001b[0m')
    expect(painted({ text: 'x', tone: 'bad' }, false)).toBe('x')
  })
})

describe('conclave watch in a pipe', () => {
  it('says each change once', () => {
    const first = surveyOf('orders', [
      report('a', [leads('job', 'a')]),
      report('b', [entry('job', 'a')]),
      gone('c'),
    ])
    const led = changesBetween(null, first)
    expect(led).toEqual([
      'job: a leads in term 3',
      'a: running',
      'b: running',
      'c: unreachable: connect ECONNREFUSED',
    ])
    expect(changesBetween(first, first)).toEqual([])
    const paused = { by: 'a', sinceMs: 1, leader: 'stays' }
    const second = surveyOf('orders', [
      report('a', [entry('job', 'b', { term: 4, paused })]),
      report('b', [{ ...leads('job', 'b'), term: 4, paused, isHealthy: false }]),
      report('c', [entry('job', 'a', { paused })]),
    ])
    expect(changesBetween(first, second)).toEqual([
      'job: b leads in term 4 (before: a, term 3)',
      'job: is paused by a, the leader stays',
      'job: not agreed: c: a leads in term 3',
      'b: unhealthy',
      'c: running',
    ])
    const third = surveyOf('orders', [report('b', [entry('job', null)]), gone('a'), gone('c')])
    expect(changesBetween(second, third)).toEqual([
      'job: nobody leads (before: b, term 4)',
      'job: is resumed',
      'job: all agree again',
      'b: healthy',
      'a: unreachable: connect ECONNREFUSED',
      'c: unreachable: connect ECONNREFUSED',
      'no quorum of the members answers',
    ])
    expect(changesBetween(third, surveyOf('orders', []))).toContain('job: nobody knows of it any more')
  })
})
