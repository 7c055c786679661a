/**
 * Goal: the files that describe the package agree with each other and with the tree. Method: read them side by side:
 * package.json, its lock file, tsconfig.json, tsup.config.ts, the top level.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { entries, programs } from '../../tsup.config'
import { REAL } from '../../vitest.config'
import { filesUnder, read, root, sourcesUnder } from './tree'

const manifest = JSON.parse(read('package.json'))
const names = Object.keys(entries)
const publicName = (name: string) => (name === 'index' ? 'conclave' : `conclave/${name}`)
const exists = (path: string) => existsSync(join(root, path))

const TOP_LEVEL = new Set(
  `src test examples package.json tsconfig.json tsup.config.ts vitest.config.ts README.md LICENSE package-lock.json
  biome.json CHANGELOG.md CONTRIBUTING.md SECURITY.md .gitignore .npmrc .ci`.split(/\s+/),
)

/** What an entry point looks like in `exports`. */
function exportOf(name: string): object {
  const file = `./dist/${name}`
  return {
    import: { types: `${file}.d.ts`, default: `${file}.js` },
    require: { types: `${file}.d.cts`, default: `${file}.cjs` },
  }
}

describe('entry points', () => {
  it('each is built from a file that exists', () => {
    expect(Object.values(entries).filter((file) => !exists(file))).toEqual([])
  })

  it('package.json exports exactly what is built, with types for both module systems', () => {
    const wanted = names.map((name) => [publicName(name).replace('conclave', '.'), exportOf(name)])
    expect(manifest.exports).toEqual({ ...Object.fromEntries(wanted), './package.json': './package.json' })
  })

  it('every program is built from a file that exists and runs with node', () => {
    const wanted = Object.fromEntries(Object.keys(programs).map((name) => [name, `dist/${name}.js`]))
    expect(manifest.bin).toEqual(wanted)
    for (const file of Object.values(programs)) expect(read(file)).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('older resolution finds the same types', () => {
    const subpaths = names.filter((name) => name !== 'index')
    const wanted = Object.fromEntries(subpaths.map((name) => [name, [`./dist/${name}.d.cts`]]))
    expect(manifest.typesVersions).toEqual({ '*': wanted })
    expect([manifest.main, manifest.types]).toEqual(['./dist/index.cjs', './dist/index.d.cts'])
  })

  it('tests and examples reach the sources by the public names', () => {
    const wanted = Object.fromEntries(names.map((name) => [publicName(name), [`./${entries[name]}`]]))
    expect(JSON.parse(read('tsconfig.json')).compilerOptions.paths).toEqual(wanted)
  })
})

describe('package.json', () => {
  /** What a script needs and does not find: a file, another script, or a command of a dependency. */
  function danglingIn(script: string): string[] {
    return script.split('&&').flatMap((step) => {
      const words = step.trim().split(/\s+/)
      const files = words.filter(
        (word) => /^[\w./-]+\.(?:[cm]?[jt]s|json|sh)$/.test(word) || /^[\w.]+\/\S+$/.test(word),
      )
      const [command = '', verb, target = ''] = words
      const called =
        command === 'npm' && verb === 'run' ? [target].filter((one) => !(one in manifest.scripts)) : []
      const unknown =
        /^(?:node|npm)$/.test(command) || exists(`node_modules/.bin/${command}`) ? [] : [command]
      return [...files.filter((file) => !exists(file)), ...called, ...unknown]
    })
  }

  it('every script points to what exists', () => {
    const dangling = Object.entries<string>(manifest.scripts).flatMap(([name, script]) =>
      danglingIn(script).map((one) => `${name}: ${one}`),
    )
    expect(dangling).toEqual([])
    expect(danglingIn('tsx test/none.ts && npm run none && no-such-command')).toEqual([
      'test/none.ts',
      'none',
      'no-such-command',
    ])
  })

  it('every example runs with one command', () => {
    const examples = filesUnder('examples').filter((path) => /^examples\/[\w-]+\.ts$/.test(path))
    const started = Object.values<string>(manifest.scripts).flatMap((script) => script.split(' '))
    expect(examples.filter((path) => !started.includes(path))).toEqual([])
  })

  it('E12: three runtime dependencies, no install scripts', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['eventemitter3', 'pino', 'zod'])
    expect(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))).toEqual([])
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  })

  it('E12: the lock file has a hash for every package and names no server', () => {
    const lock = JSON.parse(read('package-lock.json'))
    const packages = Object.entries<{ resolved?: string; integrity?: string }>(lock.packages).slice(1)
    expect(packages.filter(([, one]) => one.resolved !== undefined).map(([path]) => path)).toEqual([])
    expect(packages.filter(([, one]) => !one.integrity).map(([path]) => path)).toEqual([])
    expect([lock.name, lock.version]).toEqual([manifest.name, manifest.version])
  })

  it('the lock file is whole: without the packages of other platforms `npm ci` refuses it', () => {
    const lock = JSON.parse(read('package-lock.json'))
    const packages = Object.entries<{ optionalDependencies?: Record<string, string> }>(lock.packages)
    const held = new Set(packages.map(([path]) => path.replace(/^.*node_modules\//, '')))
    const wanted = packages.flatMap(([, one]) => Object.keys(one.optionalDependencies ?? {}))
    expect(wanted.filter((name) => !held.has(name))).toEqual([])
  })

  it('the changelog opens with the version', () => {
    expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(manifest.version)
  })
})

it('tests that start processes or servers run one after the other', () => {
  const starts = /from '(?:node:child_process|[./]+servers\/[\w-]+)'/
  const tests = sourcesUnder('test').filter((path) => path.endsWith('.test.ts') && starts.test(read(path)))
  expect(tests.filter((path) => !REAL.some((real) => path.startsWith(real)))).toEqual([])
  expect(REAL.filter((path) => path !== 'test/real/' && !exists(path))).toEqual([])
})

it('the top level holds what was agreed and nothing else', () => {
  const present = new Set(filesUnder('').map((path) => path.split('/')[0] ?? ''))
  expect([...present].filter((name) => !TOP_LEVEL.has(name))).toEqual([])
})
