/**
 * Goal: what operators may ask of a process is done as `Election` does it, and nothing else is (E6, R80). Method: the texts
 * as they come from the wire, through the judge of the driver, to an elector that votes alone in simulated surroundings.
 */
import { describe, expect, it } from 'vitest'
import type { RefusedReason } from '../../src/ports/transport'
import type { Door } from '../../src/runtime/door'
import { createHost } from '../../src/runtime/driver-host'
import type { DriverOptions } from '../../src/runtime/driver-options'
import { type Answer, type AnswerTo, readAnswer } from '../../src/runtime/operator-answer'
import {
  MAX_PAGE,
  type OperatorCommand,
  type OperatorsOption,
  readCommand,
} from '../../src/runtime/operator-command'
import { OperatorDesk } from '../../src/runtime/operator-desk'
import type { Seat } from '../../src/runtime/seat'

const NONSENSE = [
  '',
  '{',
  'null',
  '[]',
  '"status"',
  '{"command":"shutdown"}',
  '{"command":"status","limit":1}',
  '{"command":"status","after":-1}',
  '{"command":"status","after":1e400}',
  '{"command":"resign"}',
  '{"command":"resign","election":""}',
  '{"command":"resign","election":"a/b"}',
  `{"command":"resign","election":"${'x'.repeat(129)}"}`,
  '{"command":"resign","election":"job","to":"a b"}',
  '{"command":"resign","election":"job","timeoutMs":-1}',
  '{"command":"resign","election":"job","timeoutMs":"1"}',
  '{"command":"pause","election":"job","leader":"explodes"}',
  '{"command":"resume","election":"job","__proto__":{"x":1}}',
  '{"command":"resume","election":"@members"}',
]

describe('E6: the text of a command', () => {
  it.each(NONSENSE)('%s is none', (payload) => {
    expect(readCommand(payload)).toBeNull()
  })

  it.each([
    { command: 'status' },
    { command: 'status', after: 250 },
    { command: 'history', election: 'job' },
    { command: 'resign', election: 'job', to: 'b', cooldownMs: 0, timeoutMs: 1_000 },
    { command: 'pause', election: 'a:b', leader: 'stepsDown' },
    { command: 'resume', election: 'job', timeoutMs: 5 },
  ] as const)('%o is one', (command) => {
    expect(readCommand(JSON.stringify(command))).toEqual(command)
  })
})

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function deskOf(names: readonly string[], operators: OperatorsOption = 'all'): OperatorDesk {
  const past = { leaderships: [], leaders: [], ended: {} }
  const seats = new Map(names.map((name) => [name, { history: past } as unknown as Seat]))
  return new OperatorDesk({
    logger,
    operators,
    seats,
    status: () => {
      throw new Error('not to be looked at')
    },
    now: () => 0,
  })
}

describe('what is refused to operators', () => {
  /** A driver's host with a desk behind it, as in life. */
  function hostOf(operators: OperatorsOption | undefined) {
    const refused: RefusedReason[] = []
    const desk = deskOf(['job'], operators ?? 'all')
    const options = {
      config: { self: 'a', incarnation: 1, storageId: 's', timing: {}, cluster: {} },
      addresses: {},
      operators,
      listener: { command: desk.command.bind(desk) },
    } as unknown as DriverOptions
    const door = { count: (reason: RefusedReason) => refused.push(reason) } as unknown as Door
    const { local, operators: host } = createHost({
      options,
      cluster: { term: 0, version: 1, termFloor: 0, voters: [] },
      door,
      isOpen: () => true,
      submit: () => {
        throw new Error('a command has reached the core')
      },
      failed: () => {},
    })
    const say = (payload: string): Promise<unknown> =>
      new Promise((resolve) => host?.command('operator-1', payload, (text) => resolve(JSON.parse(text))))
    return { refused, say, admission: host?.admit(local) }
  }

  it('what is no command is refused and counted, and what is one is done', async () => {
    const { say, refused, admission } = hostOf('all')
    expect(admission).toEqual({ ok: true })
    for (const payload of NONSENSE) expect(await say(payload)).toMatchObject({ ok: false, code: 'malformed' })
    expect(refused).toEqual(NONSENSE.map(() => 'malformed'))
    expect(await say('{"command":"history"}')).toMatchObject({ ok: true })
    expect(await say('{"command":"resume","election":"mail"}')).toMatchObject({ code: 'unknownElection' })
    expect(refused).toHaveLength(NONSENSE.length)
  })

  it("operators: 'read' does what only asks; 'none', and no word of it, let nobody in", async () => {
    const { say, refused, admission } = hostOf('read')
    expect(admission).toEqual({ ok: true })
    for (const command of ['resign', 'pause', 'resume']) {
      const answer = await say(JSON.stringify({ command, election: 'job' }))
      expect(answer).toMatchObject({ ok: false, code: 'permissionDenied' })
    }
    expect(await say('{"command":"history","election":"job"}')).toMatchObject({ ok: true })
    expect(refused).toEqual(['permissionDenied', 'permissionDenied', 'permissionDenied'])
    for (const operators of ['none', undefined] as const) {
      expect(hostOf(operators).admission).toEqual({ ok: false, reason: 'permissionDenied' })
    }
  })
})

describe('the desk', () => {
  function answered(desk: OperatorDesk, command: OperatorCommand): Promise<string> {
    return new Promise((resolve) => desk.command('operator-1', JSON.stringify(command), resolve))
  }

  it('tells of many elections in pages, each once and in order', async () => {
    const names = Array.from({ length: 2 * MAX_PAGE + 1 }, (_, at) => `e${at}`)
    const desk = deskOf(names)
    const told: string[] = []
    for (let after: number | null = 0, pages = 0; after !== null; pages++) {
      expect(pages).toBeLessThan(3)
      const text: string = await answered(desk, { command: 'history', after })
      const answer: Answer<AnswerTo<'history'>> = readAnswer('history', text)
      if (!answer.ok) throw new Error(answer.message)
      told.push(...answer.value.elections.map(({ name }) => name))
      after = answer.value.next
    }
    expect(told).toEqual(names)
  })

  it('does not open an election, and turns what is thrown into a refusal', async () => {
    const desk = deskOf(['job'])
    const unknown = await answered(desk, { command: 'pause', election: 'mail' })
    expect(readAnswer('pause', unknown)).toEqual({
      ok: false,
      code: 'unknownElection',
      message: 'this process has no election "mail"',
    })
    expect(JSON.parse(await answered(desk, { command: 'status' }))).toMatchObject({
      ok: false,
      code: 'failed',
    })
  })

  it('an answer that is none is a refusal, and what is not printable is escaped', () => {
    const texts = ['', '{}', '{"ok":true}', '{"ok":true,"value":{"isPaused":1}}', '{"ok":false,"code":7}']
    for (const text of texts)
      expect(readAnswer('pause', text)).toMatchObject({ ok: false, code: 'malformed' })
    const value = { isPaused: true, leader: 'a\u001b[2J', leaderStays: true, voters: [], more: 1 }
    expect(readAnswer('pause', JSON.stringify({ ok: true, value }))).toMatchObject({
      value: { leader: 'a\\u001b[2J', more: 1 },
    })
  })
})
