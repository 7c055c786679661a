/**
 * Goal: the layers stay layers. Method: every import line of `src` against the table in `imports.ts`; and planted
 * breaches, so that the check itself is known to bite.
 */
import { describe, expect, it } from 'vitest'
import { ALLOWED, areaOf, breachesOf } from './imports'
import { sourcesUnder } from './tree'

describe('the dependency rule', () => {
  it('no file of src imports what its folder may not', () => {
    expect(sourcesUnder('src').flatMap((path) => breachesOf(path))).toEqual([])
  })

  it('every folder of src is in the table', () => {
    const areas = new Set(sourcesUnder('src').map(areaOf))
    expect([...areas].filter((area) => !(area in ALLOWED))).toEqual([])
  })

  it.each([
    ['src/core/x.ts', "import { connect } from 'node:net'"],
    ['src/core/x.ts', "import { tcp } from '../transports/tcp'"],
    ['src/core/x.ts', "import { ElectionError } from '../errors'"],
    ['src/core/x.ts', "const net = await import('node:net')"],
    ['src/core/x.ts', "type Socket = import('node:net').Socket"],
    ['src/core/x.ts', "export * from '../ports'"],
    ['src/core/x.ts', "import { a } from './a.js'"],
    ['src/ports/x.ts', "import { step } from '../core/step'"],
    ['src/wire/x.ts', "import { type Term, MAX_TERM } from '../core/numbers'"],
    ['src/transports/x.ts', "import { Elector } from '../runtime/elector'"],
    ['src/transports/x.ts', "import { memory } from '../storage/memory'"],
    ['src/stores/x.ts', "import { Pool } from 'pg'"],
    ['src/stores/x.ts', "import { step } from '../core/step'"],
    ['src/runtime/x.ts', "import { pino } from 'pino'"],
    ['src/runtime/x.ts', "import { SimClock } from '../simulation'"],
    ['src/simulation/x.ts', "import { postgres } from '../stores/postgres'"],
    ['src/simulation/x.ts', "import { run } from '../cli/run'"],
    ['src/cli/x.ts', "import { z } from 'zod'"],
    ['src/index.ts', "export { tcp } from './transports/tcp'"],
    ['src/new-folder/x.ts', "import { readFile } from 'node:fs'"],
  ])('in %s the line %s is a breach', (path, line) => {
    expect(breachesOf(path, line)).toHaveLength(1)
  })

  it.each([
    ['src/core/x.ts', "import { step } from './step'"],
    ['src/ports/x.ts', "import type { Term } from '../core/types'"],
    ['src/wire/x.ts', "import { type Term, type Grant } from '../core/types'"],
    ['src/stores/x.ts', "import { bind } from '../core/voter'"],
    ['src/transports/x.ts', "import { connect } from 'node:net'"],
    ['src/runtime/x.ts', "import type { Logger } from 'pino'"],
    ['src/runtime/x.ts', "import { memory } from '../storage/memory'"],
  ])('in %s the line %s is none', (path, line) => {
    expect(breachesOf(path, line)).toEqual([])
  })
})
