/**
 * Elections among the workers of node:cluster. Run it: `npx tsx examples/node-cluster.ts`
 *
 * The workers share one port for requests, which the primary owns; each one votes over a port of its own, which nobody shares (R52),
 * and keeps a directory of its own. The primary contends in nothing: it starts workers, and gives a new one the name of the dead.
 * Here it kills the worker that leads, and ends when another one has led and the dead one is back.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createListener } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection } from 'conclave'
import { tcp } from 'conclave/tcp'

if (cluster.isPrimary) await primary()
else await worker(process.env['MEMBER'] ?? '', process.env['DATA'] ?? '')

async function primary(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'conclave-cluster-'))
  const names = ['a', 'b', 'c']
  const voters: Record<string, string> = {}
  for (const name of names) voters[name] = `127.0.0.1:${await freePort()}`
  const port = await freePort()
  const workers = new Map<string, Worker>()
  const led: string[] = []
  let back = (): void => {}
  const isBack = new Promise<void>((resolve) => {
    back = resolve
  })
  const start = (name: string): void => {
    const forked = cluster.fork({ MEMBER: name, DATA: data, VOTERS: JSON.stringify(voters), PORT: `${port}` })
    workers.set(name, forked)
    forked.on('message', ({ event, token }: { event: string; token: number | null }) => {
      console.log(`worker ${name} ${event}${token === null ? '' : `, token ${token}`}`)
      if (event === 'leads') led.push(name)
      if (event === 'runs again') back()
    })
  }
  for (const name of names) start(name)

  while (led.length < 1) await sleep(20)
  const first = led[0] as string
  console.log(`the primary kills worker ${first} with SIGKILL`)
  workers.get(first)?.process.kill('SIGKILL')
  while (led.length < 2) await sleep(20)
  console.log(`the primary starts worker ${first} again, under its name`)
  start(first)
  await isBack
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })
    process.stdout.write(`request ${i + 1}: ${await response.text()}`)
  }

  console.log('the primary stops all: SIGTERM')
  const all = [...workers.values()].filter((one) => !one.isDead())
  const ends = all.map((one) => once(one, 'exit'))
  for (const one of all) one.process.kill('SIGTERM')
  await Promise.all(ends)
  await rm(data, { recursive: true })
}

async function worker(id: string, data: string): Promise<void> {
  const tell = (event: string, token: number | null): void => {
    process.send?.({ event, token })
  }
  const election = createElection({
    cluster: 'example',
    name: 'scheduler',
    id,
    voters: JSON.parse(process.env['VOTERS'] ?? '{}') as Record<string, string>,
    transport: tcp({ secret: 'an example needs no secret' }),
    dataDir: join(data, id),
    timing: 'fast',
    handleSignals: true,
  })
  election.on('leaderChanged', ({ leader }) => {
    if (leader !== null && leader !== id) tell(`follows ${leader}`, null)
  })
  // the shared port: requests go to any worker, whoever leads
  createServer((_, response) => response.end(`${id} answers, ${election.leader} leads\n`)).listen(
    Number(process.env['PORT']),
    '127.0.0.1',
  )
  await election.start()
  // the number of this life is in its directory: the second one is the worker that was started again
  if (election.status().process.incarnation === 2) tell('runs again', null)
  await election.lead(async ({ token, signal }) => {
    tell('leads', token)
    while (!signal.aborted) await sleep(50)
  })
}

async function freePort(): Promise<number> {
  const listener = createListener().listen({ port: 0, host: '127.0.0.1', exclusive: true })
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}
