/**
 * The sentinel: waits until the process that started it is gone, tells the voters, and goes, too (R55 b).
 *
 * Why what it says is true. It reads one end of a pipe; the other end was made by the service for this purpose, is written
 * to by the library alone and marked close-on-exec. The kernel closes it when the last thread of the service has left its
 * descriptors behind, also after `kill -9`, an OOM kill or a segmentation fault; by then no thread of it, and no worker,
 * will run another instruction of the service. A child that the service forked and that has not yet called exec, or that a
 * native add-on forked without exec, holds the end a little or much longer: then the proof comes later, never too early.
 *
 * One thing could close the pipe of a living process: code of the service that closes descriptors that are not its own. So
 * the end of the pipe only wakes the sentinel; it speaks when the kernel has also given it another parent, which happens
 * at the end of the parent alone. If that does not come about within a second it leaves without a word. (Windows gives a
 * child no other parent; there the pipe alone decides.)
 *
 * What the service sent before it died may still be on its way to a resource: that is what tokens are for. Whatever ends
 * the whole host, or the container, ends the sentinel, too: then time decides, as without it.
 */
import { Testaments } from './testaments'

const CONFIRM_MS = 1_000
/** Between two looks, ms. */
const LOOK_MS = 0.1
/** Looks without a turn of the event loop between them, which would take as long as many of them. */
const LOOKS = 50
const nobody = new Int32Array(new SharedArrayBuffer(4))

/**
 * Waits for the other parent: mostly the kernel has it done already, or does it within a millisecond. It has been woken by the
 * last thread of the dying process and may have taken its core, so it sleeps between two looks: that thread has work to do.
 */
function confirm(testaments: Testaments, pid: number, until: number): void {
  const hasDied = (): boolean => process.platform === 'win32' || process.ppid !== pid
  for (let looks = 0; looks < LOOKS && !hasDied(); looks++) Atomics.wait(nobody, 0, 0, LOOK_MS)
  if (hasDied())
    testaments.execute(
      () => true,
      () => process.exit(),
    )
  else if (performance.now() < until) setImmediate(confirm, testaments, pid, until)
  else process.exit()
}

function watch(): void {
  const testaments = new Testaments()
  const over = once(() => {
    const [pid] = testaments.pids
    if (pid === undefined) process.exit()
    confirm(testaments, pid, performance.now() + CONFIRM_MS)
  })
  process.stdin.on('data', (chunk) => {
    testaments.hear(chunk)
    if (testaments.isEmpty) process.exit()
  })
  process.stdin.on('error', over)
  process.stdin.on('close', over)
  process.stdin.on('end', over)
}

function once(call: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) call()
    isDone = true
  }
}

process.title = 'conclave-sentinel'
// A terminal that goes away is not its business; the service is, and the pipe tells about that.
process.on('SIGHUP', () => {})
watch()
