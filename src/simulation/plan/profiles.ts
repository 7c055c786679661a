/**
 * Kinds of worlds, and which of them a seed gets.
 *
 * Each new kind takes remainders of seeds that nobody keeps, so that every other seed keeps its world. Read next: `weather.ts`.
 */

/** Kinds of worlds. One is not enough: in each some rules cover for others (PROTOCOL A.9). */
export type ProfileName =
  | 'lan'
  | 'wan'
  | 'extreme'
  | 'restarts'
  | 'partitions'
  | 'ephemeral'
  | 'hypervisor'
  | 'calm'
  | 'members'
  | 'maintenance'
  | 'roles'
  | 'everything'
  | StoreProfileName

/** Profiles of peers. A seed chooses among them, but for every fourth, which gets stores, and two of sixteen (`RARER`). */
export const PROFILES: readonly ProfileName[] = [
  'lan',
  'wan',
  'extreme',
  'restarts',
  'partitions',
  'ephemeral',
  'hypervisor',
  'calm',
]

/** Where members come, go and lose their disks (R26, R29-R34, R72). */
const MEMBER_PROFILES: readonly ProfileName[] = ['members']

/** Where operators pause and resume elections (R80, R81), freeze members, plan hand-overs and take them back. */
const MAINTENANCE_PROFILES: readonly ProfileName[] = ['maintenance']

/** Kinds of worlds with processes that have no vote, and voters that never lead. */
const ROLE_PROFILES: readonly ProfileName[] = ['roles']

/** Kinds of worlds with stores among the voters. */
export type StoreProfileName = 'oneStore' | 'threeStores' | 'tieBreaker' | 'forgetfulStore'

/** All profiles with stores. */
export const STORE_PROFILES: readonly StoreProfileName[] = [
  'oneStore',
  'threeStores',
  'tieBreaker',
  'forgetfulStore',
]

/** Every profile that a seed may choose by itself. */
export const CHOSEN_PROFILES: readonly ProfileName[] = [
  ...PROFILES,
  ...STORE_PROFILES,
  ...MEMBER_PROFILES,
  ...MAINTENANCE_PROFILES,
  ...ROLE_PROFILES,
]

/**
 * Every profile that there is. In `everything` members change while an operator is at work, scores move and leaders prefer
 * or are not well: what those do to each other shows nowhere else. No seed chooses it by itself.
 */
export const ALL_PROFILES: readonly ProfileName[] = [...CHOSEN_PROFILES, 'everything']

/** Chosen by two seeds of sixteen, by remainders that no seed kept in a test or in a record has: those stay what they were. */
const RARER: Readonly<Record<number, readonly ProfileName[]>> = {
  8: MEMBER_PROFILES,
  13: [...MAINTENANCE_PROFILES, ...ROLE_PROFILES],
}

/** The world of a seed; `peers`: which of those without stores it draws. */
export function profileOf(seed: number, peers: ProfileName): ProfileName {
  const stores = STORE_PROFILES[Math.floor(seed / 4) % STORE_PROFILES.length] as ProfileName
  const rarer = RARER[seed % 16] ?? []
  return rarer[Math.floor(seed / 16) % rarer.length] ?? (seed % 4 === 3 ? stores : peers)
}

export function isStoreProfile(name: ProfileName): name is StoreProfileName {
  return (STORE_PROFILES as readonly string[]).includes(name)
}
