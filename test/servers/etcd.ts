/**
 * A real etcd cluster of one or three members for tests, on the loopback interface, in a directory of its own.
 *
 * Decides nothing. Short election times, so that the loss of a member is over soon. Read next: `process.ts`, `require.ts`.
 */
import {
  freePort,
  removeDirectory,
  type ServerProcess,
  startProcess,
  temporaryDirectory,
  untilUp,
} from './process'

/** The members in the order of `hosts`. */
export interface EtcdCluster {
  /** `http://127.0.0.1:port` of each member. */
  readonly hosts: readonly string[]
  readonly ports: readonly number[]
  /** Index of the member that leads, or -1. */
  leader(): Promise<number>
  killMember(index: number): Promise<void>
  startMember(index: number): Promise<void>
  freezeMember(index: number): void
  thawMember(index: number): void
  /** Processes of all members. */
  pids(): number[]
  stop(): Promise<void>
}

/** Starts the members; resolves when each says that it is healthy. */
export async function startEtcd(size: 1 | 3 = 1): Promise<EtcdCluster> {
  const directory = temporaryDirectory('etcd')
  const ports: number[] = []
  const peers: number[] = []
  for (let i = 0; i < size; i++) {
    ports.push(await freePort())
    peers.push(await freePort())
  }
  const url = (port: number | undefined) => `http://127.0.0.1:${port}`
  const cluster = peers.map((port, i) => `m${i}=${url(port)}`).join(',')
  const spawn = (i: number): ServerProcess =>
    startProcess(
      'etcd',
      [
        ...['--name', `m${i}`, '--data-dir', `${directory}/m${i}`, '--log-level', 'error'],
        ...['--listen-client-urls', url(ports[i]), '--advertise-client-urls', url(ports[i])],
        ...['--listen-peer-urls', url(peers[i]), '--initial-advertise-peer-urls', url(peers[i])],
        ...['--initial-cluster', cluster, '--initial-cluster-token', directory],
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
      ],
      directory,
    )
  const healthy = async (i: number) => {
    const answer = await fetch(`${url(ports[i])}/health`, { signal: AbortSignal.timeout(1_000) })
    return ((await answer.json()) as { health: string }).health === 'true'
  }
  const members = ports.map((_, i) => spawn(i))
  await Promise.all(members.map((member, i) => untilUp('etcd', member, () => healthy(i))))
  const member = (i: number): ServerProcess => {
    const found = members[i]
    if (found === undefined) throw new Error(`no member ${i}`)
    return found
  }
  return {
    hosts: ports.map(url),
    ports,
    async leader() {
      for (let i = 0; i < size; i++) {
        if (member(i).alive() && (await leads(url(ports[i])).catch(() => false))) return i
      }
      return -1
    },
    killMember: (i) => member(i).kill('SIGKILL'),
    async startMember(i) {
      members[i] = spawn(i)
      await untilUp('etcd', member(i), () => healthy(i))
    },
    freezeMember: (i) => void member(i).kill('SIGSTOP'),
    thawMember: (i) => void member(i).kill('SIGCONT'),
    pids: () => members.map(({ pid }) => pid),
    async stop() {
      await Promise.all(members.map((one) => one.kill('SIGKILL')))
      removeDirectory(directory)
    },
  }
}

async function leads(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/v3/maintenance/status`, {
    method: 'POST',
    body: '{}',
    signal: AbortSignal.timeout(1_000),
  })
  const status = (await answer.json()) as { leader?: string; header?: { member_id?: string } }
  return status.leader !== undefined && status.leader === status.header?.member_id
}
