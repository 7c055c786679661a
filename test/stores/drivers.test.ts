/**
 * Goal: importing an adapter loads no database driver. Method: a fresh process imports it and lists what Node.js loaded.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Packages that were loaded by importing a module; the drivers are all CommonJS, so the cache knows them. */
function packagesLoadedBy(specifier: string): string[] {
  const script = `
    const { createRequire } = await import('node:module')
    await import(${JSON.stringify(specifier)})
    console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)))`
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const files: string[] = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }))
  const names = files.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? '')
  return [...new Set(names)].filter((name) => name !== '' && name !== 'tsx')
}

const ADAPTERS = ['stores/postgres', 'stores/redis', 'stores/etcd', 'fencing/postgres', 'fencing/redis']

describe('importing an adapter', () => {
  for (const adapter of ADAPTERS) {
    it(`${adapter} loads no package at all`, () => {
      expect(packagesLoadedBy(`./src/${adapter}.ts`)).toEqual([])
    })
  }

  it('a driver that is loaded would be seen', () => {
    expect(packagesLoadedBy('pg')).toContain('pg')
    expect(packagesLoadedBy('ioredis')).toContain('ioredis')
  })
})
