/**
 * Goal: the examples that serve and report run with their one command, say what they promise and end by themselves. Method:
 * run them as a reader would.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { requireServers } from '../servers/require'

async function run(name: string): Promise<string> {
  const file = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file])
  return stdout
}

it('http-service: three answers, the status for an operator, and a stop in order', async () => {
  const output = await run('http-service.ts')
  expect(output).toContain('/healthz 200 {"answer":"ok"}')
  expect(output).toContain('/readyz 200 {"answer":"ready"}')
  expect(output).toContain('/leader 200 {"answer":"leader"}')
  expect(output).toMatch(/seen by an operator: term \d+, a lease/)
  expect(output.trimEnd()).toMatch(/bye$/)
})

it('metrics: a scrape names the leader, its transitions and the refused claim', async () => {
  const output = await run('metrics.ts')
  expect(output).toMatch(/refused: token \d+ of a is stale/)
  expect(output).toContain('conclave_leader{cluster="example",process="a",election="scheduler"} 1')
  expect(output).toMatch(/conclave_transitions_total\{.*change="revoked",reason="resigned"\} 1/)
  expect(output).toContain('conclave_fence_refusals_total{fence="memory",code="ELECTION_STALE_TOKEN"} 1')
})

it('R52: node-cluster: workers with listeners of their own; the killed leader is replaced and comes back', async () => {
  const output = await run('node-cluster.ts')
  const tokens = [...output.matchAll(/worker \w leads, token (\d+)/g)].map((match) => Number(match[1]))
  expect(tokens.length).toBeGreaterThanOrEqual(2)
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
  const killed = /kills worker (\w)/.exec(output)?.[1]
  expect(output).toContain(`worker ${killed} runs again`)
  expect(output).toMatch(/request 3: \w answers, \w leads/)
})

describe.runIf(requireServers('a queue beside a schedule', 'postgresql'))('queue-and-schedule', () => {
  it('each second is closed once over a change of leaders, and each mail that was due is sent', async () => {
    const output = await run('queue-and-schedule.ts')
    const closed = [...output.matchAll(/closes (\d+) with token \d+/g)].map((match) => Number(match[1]))
    expect(closed.length).toBeGreaterThanOrEqual(4)
    expect(closed).toEqual(closed.map((_, i) => (closed[0] as number) + i))
    expect(output).toMatch(/closings by 2 leaders, each second once/)
    expect(output).toContain(`${3 * closed.length} mails for ${3 * closed.length} that were due`)
  })
})
