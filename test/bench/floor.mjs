/**
 * The floor of a fail-over: five bare Node processes, full mesh over loopback, 12-byte frames, one vote on disk, no timer,
 * no lease, no checks. What the kernel and one vote round cost; nothing that elects can be quicker. Plain JavaScript, so
 * that no compiler stands in its start. Driven by `failover.ts` over IPC.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

const [HELLO, LEAD, ASK, YES, NOW] = [1, 2, 3, 4, 5]
const id = Number(process.argv[2])
const size = Number(process.argv[3])
const clockMs = () => Number(process.hrtime.bigint()) / 1e6
const peers = new Map()
const file = openSync(join(process.argv[4], `vote-${id}`), 'w+')
writeSync(file, Buffer.alloc(65_536))
fsyncSync(file)

const memory = []
let term = 0
let voted = 0
let leader = -1
let yes = 0

function vote(inTerm) {
  voted = inTerm
  const record = Buffer.alloc(64)
  record.writeUInt32LE(inTerm)
  writeSync(file, record, 0, 64, (inTerm % 16) * 4096)
  fdatasyncSync(file)
}
function frame(kind) {
  const bytes = Buffer.allocUnsafe(12)
  bytes[0] = kind
  bytes[1] = id
  bytes.writeUInt32LE(term, 4)
  return bytes
}
function all(kind) {
  for (const socket of peers.values()) socket.write(frame(kind))
}
function campaign() {
  term += 1
  yes = 1
  leader = -1
  all(ASK)
  vote(term)
}
function hear(socket, kind, from, inTerm) {
  if (kind === HELLO) {
    socket.peer = from
    peers.set(from, socket)
    // both ends know each other before the one that dialled says so
    if (socket.dialled === undefined) socket.write(frame(HELLO))
    else socket.dialled()
  } else if (kind === LEAD && inTerm >= term) {
    leader = from
    term = inTerm
    process.send({ follows: from, at: clockMs() })
  } else if (kind === ASK) {
    if (inTerm > term) {
      term = inTerm
      leader = -1
    }
    if (inTerm === term && voted < inTerm) {
      vote(inTerm)
      socket.write(frame(YES))
    }
  } else if (kind === YES && inTerm === term && leader !== id) {
    yes += 1
    if (yes === Math.floor(size / 2) + 1) {
      leader = id
      process.send({ leads: id, at: clockMs() })
      all(LEAD)
    }
  } else if (kind === NOW) {
    campaign()
  }
}
function attach(socket) {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    for (; bytes.length >= 12; bytes = bytes.subarray(12))
      hear(socket, bytes[0], bytes[1], bytes.readUInt32LE(4))
    rest = bytes
  })
  socket.on('end', () => {
    if (peers.get(socket.peer) === socket) peers.delete(socket.peer)
    if (socket.peer === leader) {
      leader = -1
      const rank = [...peers.keys(), id].sort((a, b) => a - b).indexOf(id)
      const before = term
      if (rank === 0) campaign()
      else setTimeout(() => leader === -1 && term === before && campaign(), 25 * rank)
    }
    socket.destroy()
  })
}
const server = createServer(attach).listen(0, '127.0.0.1', () =>
  process.send({ port: server.address().port }),
)
process.on('message', (order) => {
  if (order.dial !== undefined) {
    let open = order.dial.length
    for (const [peer, port] of order.dial) {
      const socket = connect(port, '127.0.0.1', () => {
        socket.peer = peer
        peers.set(peer, socket)
        socket.write(frame(HELLO))
      })
      socket.dialled = () => {
        open -= 1
        if (open === 0) process.send({ dialled: id })
      }
      attach(socket)
    }
    if (open === 0) process.send({ dialled: id })
  }
  if (order.campaign) campaign()
  if (order.kind === 'abort') process.abort()
  if (order.kind === 'segfault') process.kill(process.pid, 'SIGSEGV')
  if (order.kind === 'hold') {
    for (let left = order.megabytes; left > 0; left -= 64) memory.push(Buffer.alloc(64 << 20, 1))
    process.send({ held: true })
  }
  if (order.handTo !== undefined) {
    leader = -1
    process.send({ handed: clockMs() })
    peers.get(order.handTo).write(frame(NOW))
  }
})
process.on('disconnect', () => {
  closeSync(file)
  process.exit()
})
