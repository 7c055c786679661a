/**
 * The bugs of other leader elections that this library is tested against: their numbers, and what went wrong, in short.
 *
 * Gaps in the numbers are intended. A row is tested by a test whose title says "bug <number>: "; a row that cannot be
 * tested yet says what it waits for. `catalogue.test.ts` compares.
 */

/** What went wrong elsewhere, by number. */
export const BUGS: Readonly<Record<number, string>> = {
  3: 'a lease is resumed after a failed transfer',
  4: 'followers forget a leader that still holds a lease',
  6: 'a node that comes back with a higher term deposes the leader',
  7: 'a follower that stood still ignores votes for ever',
  8: 'nodes with and without pre-vote block each other',
  9: 'a vote that was not flushed is given twice',
  11: 'a lock is used although its lease ran out',
  12: 'a node that should vote believes that it may not',
  13: 'a removed leader goes on sending heartbeats',
  15: 'a leader whose disk hangs goes on leading',
  16: 'a stranger to the vote with a higher term stops the cluster',
  18: 'pre-votes have effects',
  19: 'notifications are lost',
  20: 'a removed node stands for election',
  21: 'two clusters share an address',
  22: 'heartbeats without a quorum keep others from electing',
  23: 'a blocked thread keeps a lease that is over',
  24: 'steps of the wall clock move leases',
  25: 'the repeated request of the same candidate is refused',
  27: 'a node that comes first keeps others from leading',
  29: 'a new kind of lease does not end the old one',
  30: 'the end of a lease moves back',
  31: 'partial partitions leave nobody to lead',
  32: 'a vote is forgotten within its term',
  34: 'two leaders of one term',
  35: 'an answer of an older term is counted',
  36: 'one vote is counted twice',
  37: 'heartbeats of an older term block elections',
  39: 'an old round of votes ends inside a newer one',
  40: 'a dead connection to a restarted peer is kept',
  41: 'the callback of a loss never comes',
  42: 'a lease is renewed after it was given up',
  43: 'the callback of a loss comes to one that did not lead',
  45: 'a lease is released before the work has stopped',
  46: 'identities that are not unique, or compared by their beginning',
  47: 'the callback of a win comes before the store agreed',
  48: 'two leaders after a session was lost and connected again',
  49: 'nobody leads because of a stale record of one’s own',
  51: 'a malformed frame kills the receiver',
  52: 'an old leader believes in its lock while the store is down',
  54: 'several holders on a flaky network, and work that is stopped too late',
  55: 'both halves of an even split lead',
  56: 'membership changes under faults split the cluster',
  57: 'two leaders for good after a loss of power',
  58: 'skewed clocks and quick elections give a term twice',
  59: 'a candidate waits for one predecessor only, and two lead',
  60: 'a loss is noticed after twice the time to live',
  61: 'a lock is already over when it is handed out',
  62: 'the expiry of a lock throws where nobody catches',
  63: 'votes and leaders that are not remembered or not counted',
  64: 'work is done twice because the loop was blocked',
  65: 'a lock that lives as long as a transaction is gone at once',
  66: 'a recycled connection drops the leadership',
  67: 'a lock that was taken although the request timed out',
  68: 'a session is dead and its client does not know',
  70: 'a number from a peer overflows',
  71: 'a half-broken switch keeps a cluster without a stable leader',
  72: 'a short cut between regions moves the leader far away, and old writes pass',
}

/** Rows that have no test yet, and what they wait for: none at present. A row leaves this list together with its first test. */
export const WAITING: Readonly<Record<number, string>> = {}

/** Rows that need real processes, beside whatever else tests them. */
export const REAL_ROWS: readonly number[] = [21, 31, 40, 46, 51]
