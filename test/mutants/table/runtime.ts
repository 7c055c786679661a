/** Mutants of the runtime: the one writer, starting and stopping, reads of a lease, work under it (R1, R14, R19-R25, R28, R36, R52, R53, B.3). */
import { ANY, killedBy, type Mutant, patch } from '../mutant'

export const RUNTIME: readonly Mutant[] = [
  {
    id: 'ladder warning',
    does: 'does not say that work is overdue',
    patches: [patch('runtime/tenure', '    holder.overdue(this, this.drainMs)\n', '    void holder\n')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      'was asked to resign: warned after drainMs, refused before the frozen lease ends',
    ),
  },
  {
    id: 'ladder fence',
    does: 'never refuses the leadership of work that goes on',
    patches: [patch('runtime/ladder', 'this.fence.arm(end - marginMs / 4)', 'void this.fence')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      'loses its lease: refused a quarter of the margin before the end, by isValid() and by local fences',
    ),
  },
  {
    id: 'ladder late fence',
    does: 'refuses the leadership of work that goes on only when its lease has ended',
    patches: [patch('runtime/ladder', 'this.fence.arm(end - marginMs / 4)', 'this.fence.arm(end)')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      'loses its lease: refused a quarter of the margin before the end, by isValid() and by local fences',
    ),
  },
  {
    id: 'ladder reads',
    does: 'says that it refuses the leadership, and goes on answering that it stands',
    patches: [patch('runtime/tenure', '    this.leadership.fence()\n', '')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      'loses its lease: refused a quarter of the margin before the end, by isValid() and by local fences',
    ),
  },
  {
    id: 'ladder exit',
    does: 'never ends the process',
    patches: [patch('runtime/ladder', 'if (exit !== null) this.exit.arm(end - marginMs / 8)', 'void exit')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      "with onOverdue: 'exit' the process ends an eighth of the margin before the lease",
    ),
  },
  {
    id: 'ladder late exit',
    does: 'ends the process when the lease has ended',
    patches: [patch('runtime/ladder', 'this.exit.arm(end - marginMs / 8)', 'this.exit.arm(end + marginMs)')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      "with onOverdue: 'exit' the process ends an eighth of the margin before the lease",
    ),
  },
  {
    id: 'ladder cleared',
    does: 'takes the steps although the work has stopped',
    patches: [patch('runtime/ladder', '    this.exit.clear()\n', '')],
    swarm: null,
    test: killedBy('runtime/ladder', 'work that stops in time is neither refused nor ends the process'),
  },
  {
    id: 'ladder after a stall',
    does: 'takes no step where the lease had ended without a warning',
    patches: [patch('runtime/tenure', 'if (!this.leadership.isEnding) this.climb(until)', 'void until')],
    swarm: null,
    test: killedBy(
      'runtime/ladder',
      'a blocked loop: the first read after it says no, and the steps are taken when it goes on',
    ),
  },
  {
    id: 'R1 joined write',
    does: 'reports a decision as durable when a write ends that began before it',
    patches: [
      patch('runtime/writer', 'this.listener.written(write.version)', 'this.listener.written(this.version)'),
    ],
    swarm: ANY,
    test: killedBy(
      'runtime/writer',
      'R1: what is decided while a write is under way joins the next one, as a whole',
    ),
  },
  {
    id: 'R1 final failure',
    does: 'writes again after a write failed',
    patches: [patch('runtime/writer', 'this.broken = true', 'this.broken = false')],
    swarm: null,
    test: killedBy('runtime/writer', 'R1: a failed write is final, and told once'),
  },
  {
    id: 'R39 failed write',
    does: 'goes on leading after a write failed',
    patches: [
      patch(
        'runtime/driver',
        "this.engine.submit({ type: 'storageFailed' }, () => listener.fatal(error))",
        'listener.fatal(error)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R39, R1: a failed write ends every leadership at once, and nothing is written afterwards',
    ),
  },
  {
    id: 'R14 on read',
    does: 'does not compare the lease with the clock at a read',
    patches: [patch('runtime/lease-time', 'if (now >= lease.until) return false', '')],
    swarm: null,
    test: killedBy(
      'runtime/reads',
      'P4, bug 23, bug 64: after a stall longer than the lease the first answer is false, before any timer or event',
    ),
  },
  {
    id: 'B.3 on read',
    does: 'does not notice at a read that the host was suspended',
    patches: [
      patch(
        'runtime/lease-time',
        'return watch === null || !watch.suspects(now) || this.judge(lease, watch)',
        'return watch === null || watch !== null',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/reads',
      'B.3: after a suspend the first read is false, and the leadership is revoked by it',
    ),
  },
  {
    id: 'B.3 input',
    does: 'applies what arrives after a suspend of the host before it notices that',
    patches: [
      patch(
        'runtime/engine',
        "else if (type !== 'contend' && watch.isMissing(now)) {",
        'else if (watch === null) {',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'runtime/driver',
      'B.3: a suspend ends every leadership before anything else is applied, and starts the boot wait anew',
    ),
  },
  {
    id: 'B.3 verdict',
    does: 'never concludes that time is missing',
    patches: [
      patch('runtime/time-watch', 'if (uptime - now - this.uptimeAhead > this.boundMs) return true', ''),
    ],
    swarm: ANY,
    test: killedBy(
      'runtime/time-watch',
      'B.3: uptime that ran further than the monotonic clock is missing time, until everybody has dealt with it',
    ),
  },
  {
    id: 'B.4 wall clock',
    does: 'takes a wall clock that was set for time that is missing',
    patches: [
      patch(
        'runtime/time-watch',
        'if (uptime - now - this.uptimeAhead > this.boundMs) return true',
        'if (this.suspects(now)) return true',
      ),
    ],
    swarm: null,
    test: killedBy('runtime/driver', 'B.4, bug 24: a wall clock that jumps by an hour changes nothing'),
  },
  {
    id: 'R19 clean mark kept',
    does: 'leaves the mark of a clean stop in the record when it starts',
    patches: [
      patch(
        'runtime/driver',
        '{ incarnation, maxPromiseMs, cleanNoPromise: false }',
        '{ incarnation, maxPromiseMs }',
      ),
    ],
    swarm: ANY,
    test: killedBy('runtime/driver', 'R19: the mark of a clean stop is gone with the first write'),
  },
  {
    id: 'R19 clean mark unasked',
    does: 'marks every stop as clean, whatever is promised',
    patches: [
      patch(
        'runtime/close-down',
        'if (writer.hasFailed || !promisesNothing(config, state, clock.now())) return done()',
        'if (writer.hasFailed) return done()',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'runtime/driver',
      'R19: a voter that still promises something to another process leaves the mark false',
    ),
  },
  {
    id: 'R19 longest promise',
    does: 'forgets at a start the longest promise of former lives',
    patches: [
      patch(
        'runtime/driver',
        'Math.max(this.writer.record.maxPromiseMs, timing.promiseMs)',
        'timing.promiseMs',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'runtime/driver',
      'R19: a longer promise of a former life stays recorded, and its boot wait is counted from the record as it was',
    ),
  },
  {
    id: 'R24 first write',
    does: 'sends before its new incarnation is durable',
    patches: [
      patch(
        'runtime/driver',
        "    this.writer.idle(() => {\n      if (this.phase === 'booting' && !this.writer.hasFailed) this.startTransport()\n    })",
        '    this.writer.flush()\n    this.startTransport()',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R24, R19: the new incarnation is durable, and the clean mark gone, before the transport starts',
    ),
  },
  {
    id: 'R24 incarnation',
    does: 'goes on with the incarnation of its former life',
    patches: [patch('runtime/life', 'incarnation + 1', 'incarnation + 1 && 1')],
    swarm: null,
    test: killedBy('mutants/directed', 'R24: each start of a process is a later life than the one before'),
  },
  {
    id: 'R24 no session',
    does: 'applies frames of lives without a session',
    patches: [patch('runtime/driver-host', '!door.isOpen(from, fromIncarnation)', 'door === null')],
    swarm: null,
    test: killedBy('runtime/driver', 'frames of a life without a session are dropped'),
  },
  {
    id: 'R25 pin',
    does: 'forgets which disk a process had',
    patches: [
      patch('runtime/door', 'if (verdict.pin !== null) {', 'if (verdict.pin !== null && writer_ === null) {'),
      patch('runtime/door', 'export class Door {', 'const writer_ = {}\nexport class Door {'),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R25: whoever is admitted is pinned durably; the same name with another storage is refused for good',
    ),
  },
  {
    id: 'R28 later life',
    does: 'draws the number of a life that remembers nothing, without regard to the one before',
    patches: [
      patch(
        'runtime/life',
        'Math.floor(clock.wall()) * 2 ** 11 + (random() % 2 ** 11)',
        '2 ** 52 - 2 ** 11 * Math.floor(clock.wall()) - (random() % 2 ** 11)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/resign',
      'R28: without a storage each life has a higher incarnation than the one before, so its peers admit it',
    ),
  },
  {
    id: 'R20 drain',
    does: 'releases while work still runs under the leadership',
    patches: [
      patch(
        'runtime/tenure',
        'if (this.running === 0) this.renounce(departure)\n',
        'if (this.running >= 0) this.renounce(departure)\n',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/lead',
      'R20, bug 45: resigning aborts the signal and releases only when the function has settled; the lease is renewed meanwhile',
    ),
  },
  {
    id: 'R20 drain overdue',
    does: 'releases when work did not stop in time, instead of letting the lease run out',
    patches: [
      patch(
        'runtime/tenure',
        "holder.submit({ type: 'freeze', election: holder.name, reason: 'drainTimeout' })",
        "holder.submit({ type: 'renounce', election: holder.name, reason: 'drainTimeout', to: null, cooldownMs: 0 })",
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/lead',
      'R20: work that does not stop within drainMs keeps the lease from being released; it runs out',
    ),
  },
  {
    id: 'R20 renewed after abort',
    does: 'lets a lease whose signal has aborted be renewed',
    patches: [
      patch(
        'runtime/tenure',
        "holder.submit({ type: 'freeze', election: holder.name, reason: 'expired' })",
        "holder.submit({ type: 'heartbeatNow' })",
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/reads',
      'R20: a renewal after the signal aborted does not bring the leadership back; it runs out as it stood',
    ),
  },
  {
    id: 'R23 margin',
    does: 'tells work to stop only when the lease has ended',
    patches: [
      patch(
        'runtime/leadership',
        'this.lease.until - this.marginMs - this.time.clock.now()',
        'this.lease.until - this.time.clock.now()',
      ),
    ],
    swarm: null,
    test: killedBy('runtime/reads', 'R14: it is valid while it is renewed, and says how long the signal has'),
  },
  {
    id: 'R36 sockets first',
    does: 'believes the clock after a stall before it has read its sockets',
    patches: [patch('runtime/engine', 'if (!missing && !late) return', 'if (!missing) return')],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R36: after a stall what waits in the sockets is applied before the clock is believed',
    ),
  },
  {
    id: 'R20 end at once',
    does: 'lets whoever works under a leadership hear of its end behind what the turn sends and writes',
    patches: [patch('runtime/engine', 'effects.some(isOwn)', 'effects === null')],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R20: the end of the own leadership at once, before a word of it leaves',
    ),
  },
  {
    id: 'R21 listeners first',
    does: 'lets votes and requests for them wait for the listeners of the service',
    patches: [
      patch(
        'runtime/engine',
        'const isBusy = this.turnEnds || this.ticksSoon',
        'const isBusy = this.turnEnds && this.isOpen === null',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R1, R21: news of a hand-over behind the requests of the heir, and behind the vote of whoever is asked',
    ),
  },
  {
    id: 'R52 transport',
    does: 'goes on leading when nobody can reach it',
    patches: [
      patch(
        'runtime/driver',
        "this.engine.submit({ type: 'end', reason: 'unhealthy' }, () => listener.fatal(error))",
        'listener.fatal(error)',
      ),
    ],
    swarm: null,
    test: killedBy('runtime/driver', 'R52: a transport that fails ends every leadership at once'),
  },
  {
    id: 'R53 lease first',
    does: 'frees the others in an exit hook while its own lease still reads as valid',
    patches: [
      patch(
        'runtime/driver',
        "this.engine.apply({ type: 'end', reason })",
        "setImmediate(() => this.engine.apply({ type: 'end', reason }))",
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R53: endSync renounces and hands the word to the kernel before it returns, even inside a listener',
    ),
  },
  {
    id: 'R71 R19 order of stopping',
    does: 'marks its record clean and frees its lock before it ended its sessions',
    patches: [
      patch(
        'runtime/driver',
        "this.engine.submit({ type: 'end', reason }, () => this.close(flushMs))",
        'this.close(flushMs)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/driver',
      'R71, R19: session end, then the last write marks the record clean, then the lock is freed',
    ),
  },
  {
    id: 'R20 stuck main thread',
    does: 'releases what a stuck main thread leads, although its work may still run',
    patches: [
      patch(
        'runtime/remote/standing',
        "this.submit({ type: 'freeze', election, reason: REASON })",
        "this.submit({ type: 'renounce', election, reason: REASON, to: null, cooldownMs: 0 })",
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/remote',
      'R20, R39: nothing is released while its work may run: the lease is frozen, and others lead when it has run out',
    ),
  },
  {
    id: 'R39 zombie leader',
    does: 'keeps the leaderships of a main thread that does not move any more',
    patches: [patch('runtime/remote/main-watch', 'if (this.isStuck) stuck()', 'if (!this.isStuck) stuck()')],
    swarm: null,
    test: killedBy(
      'runtime/remote',
      'R39: counts as stuck after the limit and as back with its next beat; one long step of the watcher proves nothing',
    ),
  },
  {
    id: 'R39 stands while stuck',
    does: 'stands in elections for a main thread that could not do their work',
    patches: [patch('runtime/remote/standing', 'if (this.isStuck && input.contending) return', '')],
    swarm: null,
    test: killedBy(
      'runtime/remote',
      'R39: it does not stand while it is stuck, whatever it said before, and stands again when it moves',
    ),
  },
  {
    id: 'P7 shared read',
    does: 'reads a lease in shared memory without asking for which term it stands',
    patches: [
      patch('runtime/remote/lease-board', 'const leads = this.leads[at] === term', 'const leads = term > 0'),
    ],
    swarm: null,
    test: killedBy(
      'runtime/remote',
      'P7: a later leadership, or a lease that took the place of a dropped one, does not revive the former',
    ),
  },
]
