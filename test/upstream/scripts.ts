/**
 * Interaction tests of etcd-io/raft as scripts of `test/golden/script.ts`, in the order in which upstream tells them.
 *
 * `says`: lines that must come, in that order. `never`: lines that must not come. Read next: `transcripts/*.txt`.
 */

/** One script and what has to be read in its transcript. */
export interface UpstreamScript {
  /** Name of the upstream file. */
  readonly name: string
  /** What the scenario shows here. */
  readonly point: string
  readonly script: string
  readonly says: readonly string[]
  readonly never: readonly string[]
}

export const SCRIPTS: readonly UpstreamScript[] = [
  {
    name: 'campaign',
    point: 'one campaigns, three vote, the first majority elects, and everybody is told',
    says: [
      'requestVote jobs T1',
      'yes under',
      'ELECTED leader of jobs, T1',
      'c      knows that a leads jobs in T1',
    ],
    never: ['T2', 'preVote jobs'],
    script: `
# A campaign without a pre-vote, as upstream's: the request, the votes, the announcement. There is no entry to append: the vote
# itself is the promise, so the first majority of answers is a lease (R5).
nodes a b c preVote=off
start
campaign a
until led
settle
state
`,
  },
  {
    name: 'single_node',
    point: 'a cluster of one needs nobody',
    says: ['ELECTED leader of jobs, T1'],
    never: [' > '],
    script: `
# One voter: its own vote is a majority as soon as it is on its disk. No frame leaves.
nodes a
start
campaign a
until led
state
`,
  },
  {
    name: 'checkquorum',
    point: 'no vote against a leader that is heard; no leader without a quorum; then another one',
    says: [
      'no: bound',
      'REVOKED as leader of jobs, T1: expired',
      'ELECTED leader of jobs',
      'b leads jobs in T',
    ],
    never: ['REVOKED as leader of jobs, T1: superseded'],
    script: `
# b hears the leader no more and asks for votes. c is bound and refuses (R7); nobody is deposed.
nodes a b c preVote=off
start
contend a
until led
settle
contend b
settle
cut a>b
until campaigning
settle
# The leader loses everybody: its lease ends by itself, before any promise to it does (R13).
partition a | b c
until leaderless
# When the promise of c is over, b finds it free.
until led
settle
state
`,
  },
  {
    name: 'prevote',
    point: 'who was away asks first, is refused, and has used up no term',
    says: ['preVote jobs T2', 'no: bound to a', 'b  follower, knows T1'],
    never: ['requestVote jobs T2', 'REVOKED'],
    script: `
# b was away for longer than every promise to it, and asks. The others are bound to a: no, and nothing changed anywhere (R8).
nodes a b c
start
contend a
until led
settle
contend b
settle
partition b | a c
advance 1600
heal
advance 600
settle
state
`,
  },
  {
    name: 'prevote_checkquorum',
    point: 'a pre-vote has to wait for the promise like the vote; the first answer after it elects',
    says: ['REVOKED as leader of jobs, T1: expired', 'no: bound to a', 'b      ELECTED leader of jobs, T2'],
    never: ['requestVote jobs T3'],
    script: `
# b hears the leader no more, c does for a while longer; then the leader is alone, and its lease ends. b asks while c is still
# bound: no, and the question waits (R56). When the promise of c is over the answer follows by itself: one pre-vote, one
# election, no term wasted.
nodes a b c
start
contend a
until led
settle
contend b
settle
cut a>b
advance 300
partition a | b c
until leaderless
until led
settle
heal
advance 400
settle
state
`,
  },
]
