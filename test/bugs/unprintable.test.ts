/**
 * Goal: an option that cannot be printed is refused like any other (found by the fuzzing of options). Method: values of which
 * no text can be made, at the checks of stores and fences.
 */
import { describe, expect, it } from 'vitest'
import { checkFenceOptions } from '../../src/fencing/store-options'
import { checkStoreOptions } from '../../src/stores/options'

const UNPRINTABLE: readonly unknown[] = [Symbol('s'), Object.create(null), 10n, [Object.create(null)]]

describe('an option that cannot be printed', () => {
  it('is refused with a typed error', () => {
    for (const value of UNPRINTABLE) {
      for (const call of [
        () => checkFenceOptions('postgresFence', { waitMs: value } as never, []),
        () => checkStoreOptions('postgres', { timeoutMs: value } as never, []),
        () => checkStoreOptions('postgres', { durability: value } as never, []),
      ])
        expect(call).toThrow(expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }))
    }
  })
})
