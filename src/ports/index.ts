/** The interfaces between the library and the outside world; each file states what both sides owe. */
export type * from './cas-store'
export type * from './clock'
export type { Logger } from './logger'
export { silentLogger } from './logger'
export type * from './portable'
export type * from './storage'
export type * from './transport'
export type * from './voter-store'
