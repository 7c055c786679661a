/**
 * The scripts of the golden transcripts: one scenario each, with prose that says what to look for.
 *
 * Read a changed transcript against PROTOCOL.md before you commit it: a difference is a change of the protocol as it is
 * seen on the wire. Read next: `script.ts` (the commands), `transcripts/*.txt` (what came out).
 */

/** A scenario: the name is that of its transcript. */
export interface Scenario {
  readonly name: string
  readonly script: string
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'campaign',
    script: `
# An undisturbed election of three. Two round trips and two writes: pre-vote, then the vote, which is the promise (R5).
# The heartbeat in front of each vote request starts the session under which the vote binds (R3, R7); the requests leave
# only when the own vote is on disk, and each yes only when it is on the voter's disk (R1).
nodes a b c
start
contend a
until led
# The lease counts from the sending of the request (R10): 1000 x 0.9 / 1.1 = 818.182 ms.
settle
state
`,
  },
  {
    name: 'split-vote',
    script: `
# Two candidates at the same instant, without pre-vote and succession: each has its own vote and one more, of four.
# Each is refused by the other and by the other's voter, so both release what they got (R16) and try again after a random
# while (R35).
nodes a b c d preVote=off succession=off
start
contend a b
# c hears a first and d hears b first.
hold a>d requestVote
hold b>c requestVote
campaign a
campaign b
advance 8
pass
deliver
advance 5
# Nobody's session lapsed, but nobody stays bound: the next campaign finds everybody free.
state
until led
settle
state
`,
  },
  {
    name: 'prevote',
    script: `
# A process that comes back from isolation asks before it campaigns (R8). The voters are bound, so nothing changes
# anywhere: no term, no vote, no support. However often it asked meanwhile, its own term is what it was, too.
nodes a b c
start
contend a
until led
settle
contend b
settle
partition b | a c
advance 1600
state
# Both refuse: c is bound, a leads. The next heartbeat starts a new grant of b, and a announces itself (R62).
heal
advance 400
settle
state
`,
  },
  {
    name: 'leader-lease-refusal',
    script: `
# A voter that is bound refuses everybody else, and does not adopt the higher term of the asker (R7): else anybody could
# depose anybody. The leader refuses because it leads. Here b does not hear the leader any more, but both hear b; without
# pre-vote, so that the request itself is seen.
nodes a b c preVote=off
start
contend a
until led
settle
contend b
settle
cut a>b
until campaigning
# a has answered nothing for D, so it is only probed and not even asked (R64, R71).
settle
state
# The campaign is over after 400 ms: b renounces its term and releases it (R16).
advance 385
state
`,
  },
  {
    name: 'heartbeat',
    script: `
# A steady leader: one heartbeat per voter and interval, one ack each. A follower that does not lead only probes (R64, R71):
# a probe is answered, but renews nothing. The lease is the second largest of the promises of three voters (R13).
nodes a b c
start
contend a
until led
settle
heartbeats shown
advance 450
state
`,
  },
  {
    name: 'lease-expiry',
    script: `
# The leader is cut off from both voters. Its lease ends 818.182 ms after the last heartbeat that a quorum acknowledged
# was sent; the promises of the voters end later, 1000 ms after they heard it. Nobody can lead in between.
nodes a b c
start
contend a
until led
settle
contend b
settle
state
partition a | b c
until leaderless
state
until led
settle
state
# The old leader comes back: its releases are answered, it is bound to the new one.
heal
advance 400
settle
state
`,
  },
  {
    name: 'resign',
    script: `
# The leader gives up: its work has stopped, it renounces T1 for ever (R20, P7) and releases every voter (R63). The others
# know that nobody leads and skip the pre-vote (R8, evidence); the first in the succession stands at once (R69).
nodes a b c
start
contend a
until led
settle
contend b c
settle
resign
settle
state
`,
  },
  {
    name: 'transfer',
    script: `
# Hand-over (R21): the leader renounces, tells the others who goes first, and gives the target a certificate. The target
# campaigns at once, without pre-vote; the certificate voids exactly the bindings of the old leader up to T1.
nodes a b c
start
contend a
until led
settle
contend b
settle
transfer b
settle
state
`,
  },
  {
    name: 'restart-abstains',
    script: `
# A voter restarts and remembers no binding, only the term on its disk. It gives no vote until its clock has run the
# longest promise since its start (R19): that wait replaces what it forgot. It acks the leader at once, under a new grant,
# and is bound again by its announcement (R62).
nodes a b c
start
contend a
until led
settle
contend c
settle
crash b
advance 50
restart b
advance 120
settle
state
# The leader resigns and is cut off, so c needs the vote of b, which waits. c asks again and again, and wins when b's clock
# has run 1000 ms.
resign
advance 1.01
partition a | b c
until led
settle
state
`,
  },
  {
    name: 'single-voter',
    script: `
# One voter elects itself: its own vote, once it is durable, is a majority of one. It renews its own lease each heartbeat,
# without a frame (R13). After a restart it waits like everybody else (R19).
nodes a
start
contend a
until led
state
advance 450
state
crash a
advance 10
restart a
until led
state
`,
  },
  {
    name: 'partition-and-heal',
    script: `
# Five voters, split two to three with the leader on the small side. Its lease ends before the larger side can elect; after
# healing the old leader follows, and the terms on all disks agree or lie below.
nodes a b c d e
start
contend a
until led
settle
contend d
settle
state
partition a b | c d e
until leaderless
state
until led
settle
state
heal
advance 400
settle
state
`,
  },
  {
    name: 're-term',
    script: `
# A voter knows a higher term than the leader's: it was cut off and campaigned alone, without pre-vote. The leader does not
# step down: it learns the term from the refused announcement and campaigns above it while its lease stands (R22).
nodes a b c preVote=off
start
contend a
until led
settle
partition b | a c
advance 1100
state
campaign b
advance 50
state
heal
until term 3
settle
state
`,
  },
  {
    name: 'pause-and-resume',
    script: `
# An operator pauses an election at one process. The word is durable before it is told, and told to everybody (R80). The
# present leader stays; when it is gone nobody follows it (R81).
nodes a b c
start
contend a b
until led
settle
pauseElection c
settle
crash a
# Three promises later: nobody asks anybody for a vote.
advance 3000
state
# A process that was down when the election was resumed hears so when it is back, and no election happens before that.
crash c
unpause b
settle
state
restart c
until led
settle
state
`,
  },
]
