/**
 * The floor of keeping elections alive: three bare processes, one connection per pair, and every interval one frame of 16
 * bytes per peer that says "I am alive", whatever the number of elections that hang on it. What a Node.js process costs
 * that does just this; nothing that elects can idle for less. Plain JavaScript. Driven by `elections.ts` over IPC.
 */
import { connect, createServer } from 'node:net'

const intervalMs = Number(process.argv[2])
const peers = []
const aliveUntil = new Map()

function join(socket) {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  let left = 0
  socket.on('data', (bytes) => {
    left += bytes.length
    for (; left >= 16; left -= 16) aliveUntil.set(socket, performance.now() + 3 * intervalMs)
  })
  peers.push(socket)
}

const server = createServer(join)
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', ({ dial = [] }) => {
  for (const port of dial) join(connect(port, '127.0.0.1'))
  setInterval(() => {
    for (const socket of peers) socket.write(Buffer.alloc(16))
  }, intervalMs)
})
