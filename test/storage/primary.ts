/**
 * A `cluster` whose worker opens a directory and is killed; the primary lives on and opens it after that. Prints what
 * the second `open` said. For the tests with real processes (B.18).
 */
import cluster from 'node:cluster'
import { file } from '../../src/storage'

const [dir = ''] = process.argv.slice(2)
const identity = { clusterId: 'billing', nodeId: 'a', config: { term: 0, version: 1, termFloor: 0 } }

if (cluster.isPrimary) {
  const worker = cluster.fork()
  worker.on('message', () => {
    file({ dir }).open(identity, (error) => {
      process.stdout.write(`while it lives: ${error === null ? 'open' : 'refused'}\n`)
      worker.process.kill('SIGKILL')
    })
  })
  worker.on('exit', () => {
    file({ dir }).open(identity, (error) => {
      process.stdout.write(`after its death: ${error === null ? 'open' : 'refused'}\n`)
      process.exit()
    })
  })
} else {
  file({ dir }).open(identity, (error) => process.send?.(String(error)))
}
