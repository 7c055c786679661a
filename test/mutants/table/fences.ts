/** Mutants of fences and storage: what was accepted or written once stays so (R41-R43, A3, A4, P5). */
import { killedBy, type Mutant, patch } from '../mutant'

export const FENCES: readonly Mutant[] = [
  {
    id: 'R42 lower token',
    does: 'accepts a token below the highest one',
    patches: [
      patch(
        'fencing/marks',
        'if (claim.token > seen.token || (',
        'if (claim.token < seen.token || claim.token > seen.token || (',
      ),
    ],
    swarm: null,
    test: killedBy('fencing/local-fence', 'P5: a fence does exactly what an atomic maximum does'),
  },
  {
    id: 'R42 other holder',
    does: 'accepts the highest token from another holder, too',
    patches: [
      patch(
        'fencing/marks',
        'claim.token === seen.token && claim.holder === seen.holder',
        'claim.token === seen.token',
      ),
    ],
    swarm: null,
    test: killedBy('fencing/local-fence', 'P5: a fence does exactly what an atomic maximum does'),
  },
  {
    id: 'R42 folded marks',
    does: 'forgets what it accepted for resources that it forgot',
    patches: [patch('fencing/marks', 'this.#judgeByFloors(resource, claim)\n', '')],
    swarm: null,
    test: killedBy('fencing/marks', 'P5: a forgotten resource refuses what it refused before'),
  },
  {
    id: 'R42 two holders in the floor',
    does: 'lets one of two holders of a folded token in',
    patches: [patch('fencing/marks', 'return { token: a.token, holder: null }', 'return a')],
    swarm: null,
    test: killedBy('fencing/marks', 'P5: one token of two holders in the floor is nobody´s any more'),
  },
  {
    id: 'R42 durable mark',
    does: 'lets guarded work begin before its claim is durable',
    patches: [
      patch('fencing/local-fence', 'await this.#keeper.keep(accepted)', 'void this.#keeper.keep(accepted)'),
    ],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'P5: a claim is confirmed, and guarded work begins, when its bytes were flushed and not before',
    ),
  },
  {
    id: 'R42 synced mark',
    does: 'confirms a claim whose bytes were not flushed to the disk',
    patches: [patch('fencing/journal', 'await this.#file.sync()', 'await null')],
    swarm: null,
    test: killedBy(
      'mutants/directed',
      'P5: a claim is confirmed, and guarded work begins, when its bytes were flushed and not before',
    ),
  },
  {
    id: 'R43 open fence',
    does: 'accepts claims before it knows its floor',
    patches: [
      patch(
        'fencing/local-fence',
        'if (this.#floor !== null && this.#floor.known === null) await this.#floor.learn()',
        '',
      ),
    ],
    swarm: null,
    test: killedBy(
      'fencing/local-fence',
      'R43: the fence is closed until the floor is known, then refuses lower tokens',
    ),
  },
  {
    id: 'R43 ignored floor',
    does: 'learns its floor, and accepts tokens below it',
    patches: [
      patch(
        'fencing/local-fence',
        'if (mark.token < floor) throw this.#refusals.counted(staleToken(name, mark, floor, null))',
        '',
      ),
    ],
    swarm: null,
    test: killedBy(
      'fencing/local-fence',
      'R43: the fence is closed until the floor is known, then refuses lower tokens',
    ),
  },
  {
    id: 'R43 quorum',
    does: 'takes the answer of one voter for that of all when it reads the floor',
    patches: [
      patch(
        'runtime/questions',
        'this.floors.get(nonce)?.set(voter, term)',
        "for (const each of [voter, 'a', 'b', 'c']) this.floors.get(nonce)?.set(each, term)",
      ),
    ],
    swarm: null,
    test: killedBy('mutants/directed', 'R43: a floor is not told before a quorum of voters has answered'),
  },
  {
    id: 'R1 flush',
    does: 'reports a write as durable before it is flushed to the disk',
    patches: [
      patch(
        'storage/file',
        "if (error !== null || this.flush === 'dsync') finish(error)",
        'if (error !== null || this.flush !== null) finish(error)',
      ),
    ],
    swarm: null,
    test: killedBy('mutants/directed', 'R1: a write is not answered before the system has flushed it'),
  },
  {
    id: 'A3 acknowledged write',
    does: 'starts from an older state when an acknowledged write cannot be read',
    patches: [patch('storage/recover', 'if (sequence < needed) {', 'if (sequence < needed && needed < 0) {')],
    swarm: null,
    test: killedBy(
      'storage/crash',
      'A3: one flipped bit in any write but the last is refused, or harms nothing',
    ),
  },
  {
    id: 'A3 failed read',
    does: 'takes a read that failed for the end of the record',
    patches: [
      patch(
        'storage/slots',
        '(error === null ? resolve(count) : reject(error))',
        'resolve(error === null ? count : 0)',
      ),
    ],
    swarm: null,
    test: killedBy(
      'storage/file',
      'A3: that fails anywhere refuses to open, and never passes for the end of the file',
    ),
  },
  {
    id: 'A3 wrong digest',
    does: 'takes a complete last write with a wrong digest for a torn one',
    patches: [patch('storage/recover', 'if (rotten > sequence)', 'if (rotten > sequence && rotten < 0)')],
    swarm: null,
    test: killedBy(
      'storage/crash',
      'A3: one flipped bit in the very last write is refused, or harms nothing',
    ),
  },
]
