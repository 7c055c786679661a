/**
 * A process of its own for `start.test.ts`: `stop` connects, stops and must end by itself; `exit <port> <options>` sends from an exit
 * hook; `cluster <port>` has two workers that listen on one port.
 */
import cluster from 'node:cluster'
import { pair, testNode, until } from './node'

const [mode, port, options = '{}'] = process.argv.slice(2)

if (mode === 'stop') {
  const { a, b } = await pair()
  await Promise.all([a.start(), b.start()])
  await until('both are connected', () => a.announced('b') === 1 && b.announced('a') === 1)
  process.stdout.write('connected\n')
  await Promise.all([a.stop(), b.stop()])
  process.stdout.write('stopped\n')
} else if (mode === 'cluster' && cluster.isPrimary) {
  let answers = 0
  for (const _ of [1, 2]) {
    const worker = cluster.fork()
    // it may have gone before it is told to
    worker.on('error', () => {})
    worker.on('message', (answer) => {
      process.stdout.write(`${answer}\n`)
      answers += 1
      if (answers === 2) cluster.disconnect(() => process.exit(0))
    })
  }
} else if (mode === 'cluster') {
  const a = testNode({ id: 'a', addresses: { a: `127.0.0.1:${port}` } })
  const error = await a.start()
  process.send?.(error === null ? 'listening' : (error as { code?: string }).code)
  process.on('disconnect', () => process.exit(0))
} else {
  const a = testNode({
    id: 'a',
    peers: ['b'],
    addresses: { b: `127.0.0.1:${port}` },
    options: JSON.parse(options),
  })
  await a.start()
  await until('it is connected', () => a.announced('b') === 1)
  process.on('exit', () => {
    a.transport.send('b', 1, [{ kind: 'bind', election: 'e', term: 7 }])
    a.transport.send('b', 1, [{ kind: 'sessionEnd' }])
    a.transport.flushSync()
  })
  process.exit(3)
}
