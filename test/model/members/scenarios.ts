/**
 * What the exploration of members that change is asked, by name: the smallest group, terms and changes in which each rule of
 * membership can be seen to matter. Results, and which broken cores each one catches: `../README.md`. Read next: `run.ts`.
 */
import { MEMBERS, type MemberLimits, WORK } from './seat'

/** Leader of `@members` is `a` for ever; who leads `e` while `d` comes and `b` goes. */
const WORK_LIMITS: MemberLimits = {
  voters: 'abc',
  others: '',
  elections: [WORK],
  contenders: 'bd',
  leader: '',
  stops: 0,
  maxTerm: { [WORK]: 2, [MEMBERS]: 1 },
  changes: 2,
  targets: ['abcd', 'acd'],
  crashes: 0,
  loses: '',
  isOpen: false,
  inOrder: false,
  promise: 2,
  maxStates: 50_000_000,
}

/** Who leads `@members`, and which of the competing leaders changes the voters to what. */
const MEMBERS_LIMITS: MemberLimits = {
  ...WORK_LIMITS,
  elections: [MEMBERS],
  contenders: 'ab',
  maxTerm: { [WORK]: 0, [MEMBERS]: 2 },
  changes: 1,
  targets: ['ac'],
}

const BOTH_LIMITS: MemberLimits = {
  ...MEMBERS_LIMITS,
  elections: [WORK, MEMBERS],
  maxTerm: { [WORK]: 2, [MEMBERS]: 2 },
}

export const SCENARIOS = {
  /** b goes while c stands for `e`. */
  goes: { ...WORK_LIMITS, contenders: 'c', changes: 1, targets: ['ac'] },
  /** b goes, and may come back. */
  returns: { ...WORK_LIMITS, contenders: 'c', targets: ['ac', 'abc'] },
  /** c goes, then b: the last configuration has a quorum without those that gave `e` to c. */
  shrinks: { ...WORK_LIMITS, contenders: 'ac', targets: ['ab', 'a'] },
  /** d comes. */
  joins: { ...WORK_LIMITS, changes: 1, targets: ['abcd'] },
  /** d comes, then b goes. */
  replaced: WORK_LIMITS,
  /** b loses its disk, is removed, and added with another one. */
  lost: { ...WORK_LIMITS, contenders: 'ac', loses: 'b', targets: ['ac', 'aBc'] },
  /** b loses its disk and is let in as if it had not. */
  unnoticed: { ...WORK_LIMITS, contenders: 'ac', loses: 'b', isOpen: true, changes: 0, targets: [] },
  /** a leads `e`; b loses its disk, goes, and comes back with another one, while c stands. */
  names: {
    ...WORK_LIMITS,
    leader: 'a',
    contenders: 'c',
    maxTerm: { [WORK]: 3, [MEMBERS]: 1 },
    loses: 'b',
    targets: ['ac', 'aBc'],
  },
  /** c leads `e`, and goes or stays while b goes; b stands, too; anybody crashes once. */
  falls: {
    ...WORK_LIMITS,
    leader: 'c',
    contenders: 'bc',
    maxTerm: { [WORK]: 3, [MEMBERS]: 1 },
    changes: 1,
    targets: ['ab', 'ac'],
    crashes: 1,
  },
  /** a leads `@members`, loses that, leads again; b goes. */
  leader: { ...MEMBERS_LIMITS, contenders: 'a' },
  /** The same, and anybody may crash once. */
  crash: { ...MEMBERS_LIMITS, contenders: 'a', crashes: 1 },
  /** a and b stand for `@members`; b goes. */
  leaders: MEMBERS_LIMITS,
  /** a leads `@members`; d comes, then b goes. */
  successor: { ...MEMBERS_LIMITS, contenders: 'a', changes: 2, targets: ['abcd', 'acd'] },
  /** a leads `@members` with a clock that stands still for a while; c follows; it, or b, goes. */
  asleep: {
    ...MEMBERS_LIMITS,
    leader: 'a',
    contenders: 'c',
    maxTerm: { [WORK]: 0, [MEMBERS]: 3 },
    targets: ['ab'],
    stops: 1,
  },
  /** a and c stand for `e` and for `@members`; b goes. */
  both: { ...BOTH_LIMITS, contenders: 'ac' },
} satisfies Record<string, MemberLimits>

export type Scenario = keyof typeof SCENARIOS

/** The limits of a scenario, with whoever its targets name beside the voters. */
export function limitsOf(name: Scenario, changed: Partial<MemberLimits> = {}): MemberLimits {
  const limits = { ...SCENARIOS[name], ...changed }
  const named = new Set(limits.targets.join('').toLowerCase())
  return { ...limits, others: [...named].filter((id) => !limits.voters.includes(id)).join('') }
}
