/** Mutants of lives: boot wait, incarnations, identity, amnesia, proofs of death (R19, R24, R25, R27, R28, R43, R54, R55). */
import { ANY, killedBy, type Mutant, patch } from '../mutant'

export const RESTARTS: readonly Mutant[] = [
  {
    id: 'R19 boot wait',
    does: 'votes and stands at once after a restart',
    patches: [patch('core/campaigns', "if (turn.now < state.bootUntil) return 'boot'", '')],
    swarm: { profile: 'restarts' },
    test: killedBy('core/schedules', 'R19: a voter of the leader crashes, comes back, and must not campaign'),
  },
  {
    id: 'R19 own D',
    does: 'waits for its own D after a restart, not for the longest promise that it ever made',
    patches: [
      patch(
        'core/state',
        'beginning.startedAt + record.maxPromiseMs',
        'beginning.startedAt + timing.promiseMs',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/restart',
      'R19: it lasts the longest promise ever made, counted from the start of the process',
    ),
  },
  {
    id: 'R19 clean mark',
    does: 'says after a clean stop that it promises nothing, whatever stands',
    patches: [
      patch('core/step', 'if (support?.grant === held.grant && now < support.until) return false', ''),
    ],
    swarm: null,
    test: killedBy('paper/restart', 'R19: not while a binding to another process is active'),
  },
  {
    id: 'R19 clean mark in the wait',
    does: 'says after a clean stop in its boot wait that it promises nothing',
    patches: [
      patch(
        'core/step',
        'if (!state.ended || state.storageFailed || now < state.bootUntil || state.recovery !== null) return false',
        '',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/restart',
      'R19: not in the boot wait, whose promises nobody remembers, and not after a storage failure',
    ),
  },
  {
    id: 'R24 meant for another life',
    does: 'applies frames that were meant for an earlier life of itself',
    patches: [
      patch(
        'core/step',
        'if (frame.toIncarnation !== config.incarnation || frame.from === config.self) return',
        '',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R24: a frame that was meant for another life of the receiver is not applied',
    ),
  },
  {
    id: 'R24 lower life',
    does: 'applies frames of an earlier life of the sender',
    patches: [
      patch(
        'core/sessions',
        'return incarnation === support.incarnation && !support.ended',
        'return !support.ended',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/sessions',
      'R24, R27: a lower life than the highest seen is ignored, greeting and frames alike',
    ),
  },
  {
    id: 'R24 answer',
    does: 'sends an answer to whatever life of the asker is there when it is durable',
    patches: [
      patch(
        'core/step',
        'if (state.supports.get(waiting.to)?.incarnation !== waiting.toIncarnation) continue',
        '',
      ),
    ],
    swarm: null,
    test: killedBy('paper/sessions', 'R24: an answer never reaches another life of whoever asked'),
  },
  {
    id: 'R54 new life',
    does: 'lets the support of an earlier life go on when a later one shows',
    patches: [
      patch(
        'core/sessions',
        "    endSupport(turn, support, 'evidence')\n    support.incarnation = incarnation\n    support.storageId = null",
        '    support.incarnation = incarnation\n    support.storageId = null',
      ),
    ],
    swarm: { profile: 'restarts' },
    test: killedBy(
      'paper/evidence',
      'R54: its greeting ends the support of the older life, and every binding under it, at once',
    ),
  },
  {
    id: 'R55 storage',
    does: 'believes the proof of death of another disk',
    patches: [
      patch(
        'core/step',
        'return known === null || known === storageId',
        'return known === null || known !== null',
      ),
    ],
    swarm: null,
    test: killedBy('paper/evidence', 'R55: not that of another storage, an older or another process'),
  },
  {
    id: 'R55 older life',
    does: 'ends the life that lives by the proof that an earlier one died',
    patches: [
      patch(
        'core/sessions',
        '  if (incarnation < support.incarnation || (support.ended',
        '  if ((support.ended',
      ),
    ],
    swarm: null,
    test: killedBy('paper/evidence', 'R55: not that of another storage, an older or another process'),
  },
  {
    id: 'R55 forged',
    does: 'believes a proof of death without looking at its key',
    patches: [patch('runtime/door', 'if (life.nonce === nonceOf(key)) return true', 'return true')],
    swarm: { profile: 'restarts' },
    test: killedBy(
      'runtime/proofs',
      'E8: without the key of that life it is refused, counted, and changes nothing',
    ),
  },
  {
    id: 'R55 exact life',
    does: 'believes a proof of death with the right key, whatever life it names',
    patches: [
      patch(
        'runtime/door',
        'if (life?.storageId !== storageId || life.incarnation !== incarnation) {',
        'if (life === undefined) {',
      ),
    ],
    swarm: null,
    test: killedBy(
      'runtime/proofs',
      'R55: it ends the life that it names and no other, storage, process or incarnation',
    ),
  },
  {
    id: 'R55 passed on',
    does: 'keeps a proof of death to itself',
    patches: [patch('core/step', 'if (voter !== process && account.connected)\n', 'if (false)\n')],
    swarm: null,
    test: killedBy(
      'runtime/proofs',
      'R55: frees the voters of the dead at once, also those to whom it is only passed on',
    ),
  },
  {
    id: 'R25 storage identity',
    does: 'admits a process that came back with another disk',
    patches: [
      patch(
        'core/identity',
        "if (hello.storageId !== pin.storageId && !known.ephemeral) return refuse('amnesiac')",
        '',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'core/identity',
      'R25: another storage under a pinned name is an amnesiac, however high its incarnation',
    ),
  },
  {
    id: 'R27 old copy',
    does: 'admits a process with a lower incarnation than its highest: a restored copy of its disk',
    patches: [
      patch(
        'core/identity',
        "if (hello.incarnation < pin.incarnation) return refuse('staleIncarnation')",
        '',
      ),
    ],
    swarm: null,
    test: killedBy('core/identity', 'R27: an incarnation below the pinned one is an old copy of the disk'),
  },
  {
    id: 'R27 second process',
    does: 'admits a second process with the identity of one that lives',
    patches: [
      patch(
        'core/identity',
        'hello.incarnation === life.incarnation && hello.nonce !== life.nonce',
        'hello.incarnation === life.incarnation && hello.nonce === undefined',
      ),
    ],
    swarm: null,
    test: killedBy(
      'core/identity',
      'R27: the same incarnation under another nonce is a second process with that identity',
    ),
  },
  {
    id: 'R28 wait',
    does: 'asks for the floor at once, without waiting for the end of old promises and campaigns',
    patches: [
      patch(
        'core/state',
        'until: startedAt + (timing.maxPromiseMs + timing.campaignMs) * slack',
        'until: startedAt + 0 * slack',
      ),
    ],
    swarm: { profile: 'ephemeral' },
    test: killedBy(
      'paper/restart',
      'R28: every start waits (maxD + campaign)(1 + rho)/(1 - rho) before it asks anybody',
    ),
  },
  {
    id: 'R28 floor',
    does: 'votes from term 1 after a start without memory',
    patches: [
      patch('core/recovery', '  state.termFloor = floor\n', '  state.termFloor = Math.min(floor, 0)\n'),
    ],
    swarm: { profile: 'ephemeral' },
    test: killedBy(
      'paper/restart',
      'R28: a single one learns the largest term of any election from n - q + 1 others',
    ),
  },
  {
    id: 'R28 enough others',
    does: 'learns the floor from a single other voter',
    patches: [
      patch(
        'core/recovery',
        'const isEnough = meetsEveryQuorum(',
        'const isEnough = done.length > 0 || meetsEveryQuorum(',
      ),
    ],
    swarm: { profile: 'ephemeral' },
    test: killedBy(
      'paper/restart',
      'R28: a single one learns the largest term of any election from n - q + 1 others',
    ),
  },
  {
    id: 'R28 recovering others',
    does: 'takes the word of others that remember nothing for memory',
    patches: [
      patch('core/recovery', 'answers.filter(([, answer]) => !answer.recovering)', 'answers.slice()'),
      patch(
        'core/recovery',
        '(voter) => recovery.answers.get(voter)?.recovering === false',
        '(voter) => recovery.answers.has(voter)',
      ),
    ],
    swarm: { profile: 'ephemeral' },
    test: killedBy('paper/restart', 'R28: answers of others that recover do not count as memory'),
  },
  {
    id: 'R28 bind',
    does: 'binds itself to a leader before it has learnt its floor',
    patches: [
      patch('core/votes', '  if (state.recovery !== null) return\n  const election', '  const election'),
    ],
    swarm: { profile: 'ephemeral' },
    test: killedBy(
      'paper/restart',
      'R28, P2: a voter that forgot a higher vote does not bind itself to an older leader',
    ),
  },
  {
    id: 'R28 vote',
    does: 'votes and stands before it has learnt its floor',
    patches: [patch('core/campaigns', "if (state.recovery !== null) return 'recovering'", '')],
    swarm: { profile: 'ephemeral' },
    test: killedBy(
      'paper/restart',
      'R28: until it has learnt its floor it gives no vote or pre-vote, does not stand, binds itself to nobody',
    ),
  },
  {
    id: 'R43 amnesiac',
    does: 'names its durable term to a guard although it remembers nothing or its storage failed',
    patches: [
      patch(
        'core/step',
        'if (state.recovery !== null || state.storageFailed || !votes(turn)) return\n  const term = Math.max(state.elections.get(name)?.decidedTerm ?? 0, state.termFloor)\n  send',
        'const term = Math.max(state.elections.get(name)?.decidedTerm ?? 0, state.termFloor)\n  send',
      ),
    ],
    swarm: null,
    test: killedBy(
      'paper/tokens',
      'R43: a voter in boot wait may answer, one that forgot or whose storage failed may not',
    ),
  },
  {
    id: 'R43 voted term',
    does: 'names a guard the term that it led or bound last, not the one that it voted in',
    patches: [
      patch(
        'core/step',
        '?.decidedTerm ?? 0, state.termFloor)\n  send(',
        '?.leaderTerm ?? 0, state.termFloor)\n  send(',
      ),
    ],
    swarm: ANY,
    test: killedBy(
      'mutants/directed',
      'R43: the voters of a leader that no announcement reached name its term',
    ),
  },
]
