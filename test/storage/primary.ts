/**
 * A `cluster` whose worker opens a directory; prints what `open` said and the pid of the worker, and lives on. For the
 * tests with real processes (B.18).
 */
import cluster from 'node:cluster'
import { file } from '../../src/storage'

const [dir = ''] = process.argv.slice(2)
const identity = { clusterId: 'billing', nodeId: 'a', config: { term: 0, version: 1, termFloor: 0 } }

if (cluster.isPrimary) {
  cluster.fork().on('message', (outcome) => process.stdout.write(`${outcome}\n`))
} else {
  file({ dir }).open(identity, (error) => process.send?.(`${error} ${process.pid}`))
}
