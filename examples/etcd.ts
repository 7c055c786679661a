/**
 * Two replicas of a service that has an etcd and nothing else. Run it: `npm run example:etcd`
 *
 * etcd holds the votes, and the setting that the job writes in a transaction with its fence. Takes members from ETCD_HOSTS
 * (separated by commas), and starts three of its own without it. For the example both replicas live in one process; in
 * production each is a process of its own, with the same lines. Ends by itself: a member of etcd is lost, the leader stops,
 * and a late write of the first is refused.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, type Leadership } from 'conclave'
import { etcd } from 'conclave/etcd'
import { Etcd3 } from 'etcd3'

const cluster = process.env['ETCD_HOSTS'] ? null : await (await import('../test/servers/etcd')).startEtcd(3)
const hosts = process.env['ETCD_HOSTS']?.split(',') ?? [...(cluster?.hosts ?? [])]

/** One replica: the client that it has anyway, an election, and a job that only the leader runs. */
function replica(id: string) {
  const client = new Etcd3({ hosts })
  const election = createElection({ cluster: 'example', name: 'rebalancer', id, voters: etcd(client) })
  /** The fence: the highest token so far, compared and raised in the transaction that writes (R42). */
  const assign = async ({ token }: Leadership, shard: string): Promise<boolean> => {
    const seen = await client.get('example/fence').exec()
    const [mark] = seen.kvs
    if (mark !== undefined && Number(mark.value) > token) return false
    const result = await client
      .if('example/fence', 'Mod', '==', mark?.mod_revision ?? 0)
      .then(client.put('example/fence').value(token), client.put(`example/shard/${shard}`).value(id))
      .commit()
    return result.succeeded
  }
  return { id, client, election, assign }
}

const replicas = [replica('web-1'), replica('web-2')]
let last: { assign: () => Promise<boolean> } | null = null
await Promise.all(replicas.map(({ election }) => election.start()))
const jobs = replicas.map(({ id, election, assign }) =>
  election.lead(async (leadership) => {
    last ??= { assign: () => assign(leadership, 'too-late') }
    for (let shard = 1; !leadership.signal.aborted; shard++) {
      const done = await assign(leadership, `s${shard}`).catch(() => false)
      console.log(
        `${id} ${done ? 'assigned' : 'could not assign'} shard ${shard} with token ${leadership.token}`,
      )
      await sleep(300)
    }
  }),
)

const [first] = replicas
await first?.election.waitForLeader({ timeoutMs: 20_000 })
await sleep(1_000)
if (cluster !== null) {
  console.log('one of three members of etcd is killed')
  await cluster.killMember(((await cluster.leader()) + 1) % 3)
  await sleep(1_500)
}
const leader = replicas.find(({ election }) => election.isLeader())
const next = replicas.find((one) => one !== leader)
console.log(`stopping ${leader?.id}, as a rolling update would`)
await leader?.election.stop()
while (!next?.election.isLeader()) await sleep(20)
await sleep(700)

const wrote = await (last as { assign: () => Promise<boolean> } | null)?.assign()
console.log(`${leader?.id} wakes up and writes: ${wrote ? 'accepted' : 'refused'}`)
const status = next.election.status().process
console.log(`tokens: ${status.tokenDurability}; etcd answers in ${status.members[0]?.roundTripMs} ms`)

await Promise.all(replicas.map(({ election }) => election.stop()))
await Promise.all(jobs)
for (const { client } of replicas) client.close()
await cluster?.stop()
