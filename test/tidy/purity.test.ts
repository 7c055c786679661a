/**
 * Goal: the core is a function of its arguments. Method: the type checker resolves every name in `src/core`; what is
 * declared by Node.js, or is one of the impure parts of the language, is a breach. So a parameter that is called
 * `process` is fine, and `globalThis.setTimeout` is not.
 */
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse, place, read, root, sourcesUnder, visit } from './tree'

/** Impure, or a way to reach what is impure, although the language itself declares it. */
const IMPURE = new Set([
  'Date',
  'Promise',
  'globalThis',
  'eval',
  'Function',
  'WeakRef',
  'FinalizationRegistry',
  'Intl',
])

/** The one place that may read the wall clock (B.4). */
const WALL_CLOCK = 'src/runtime/system-clock.ts'

/** Hands a time that it was given to a parser of cron expressions, as a `Date`: reads no clock. */
const CRON = { path: 'src/schedule/plan.ts', once: 'new Date(afterMs)' }

/** Files that exist only here, beside those of the core: each line of the first is a breach, the second has none. */
const LINES = {
  Date: 'export const a = Date.now()',
  'new Date': 'export const b = new Date()',
  random: 'export const c = Math.random()',
  setTimeout: 'setTimeout(() => {}, 1)',
  globalThis: 'globalThis.setTimeout(() => {}, 1)',
  performance: 'export const d = performance.now()',
  process: 'export const e = process.hrtime()',
  console: 'console.log(1)',
  crypto: 'export const f = crypto.randomUUID()',
  Buffer: 'export const g = Buffer.alloc(1)',
  Promise: 'export const h = Promise.resolve()',
  async: 'export const i = async () => {}',
  queueMicrotask: 'queueMicrotask(() => {})',
}
const IMPURE_FILE = 'src/core/planted-impure.ts'
const PURE_FILE = 'src/core/planted-pure.ts'
const PLANTED = new Map([
  [join(root, IMPURE_FILE), Object.values(LINES).join('\n')],
  [join(root, PURE_FILE), 'export const f = (process: string, now: number) => Math.max(process.length, now)'],
])

/** The core and the planted files, as one program. */
function programOver(paths: readonly string[]): ts.Program {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => PLANTED.has(name) || fileExists.call(host, name)
  host.getSourceFile = (name, ...rest) => {
    const text = PLANTED.get(name)
    return text === undefined ? getSourceFile.call(host, name, ...rest) : parse(name, text)
  }
  return ts.createProgram({
    rootNames: [...paths.map((path) => join(root, path)), ...PLANTED.keys()],
    options,
    host,
  })
}

/** Where a file of the program leaves the language: a name that Node.js declares, an impure one, or `async`. */
function impuritiesOf(program: ts.Program, path: string): string[] {
  const checker = program.getTypeChecker()
  const file = program.getSourceFile(join(root, path))
  if (!file) throw new Error(`${path} is not in the program`)
  const found = new Set<string>()
  const where = (node: ts.Node) => place(node).slice(root.length)
  visit(file, (node) => {
    if (node.kind === ts.SyntaxKind.AsyncKeyword) found.add(`${where(node)} async`)
    if (!ts.isIdentifier(node)) return
    const symbol = checker.getSymbolAtLocation(node)
    const declared = symbol?.declarations?.map((one) => one.getSourceFile()) ?? []
    const byNode = declared.some((one) => one.fileName.includes('/node_modules/@types/node/'))
    const byLanguage = declared.some((one) => program.isSourceFileDefaultLibrary(one))
    const random = node.text === 'random' && node.parent.getText() === 'Math.random'
    const impure = node.text === 'globalThis' || (byLanguage ? IMPURE.has(node.text) || random : byNode)
    if (impure) found.add(`${where(node)} ${node.text}`)
  })
  return [...found]
}

describe('the core is pure', () => {
  const core = sourcesUnder('src/core')
  let program: ts.Program
  beforeAll(() => {
    program = programOver(core)
    program.getTypeChecker()
  }, 60_000)

  it('R1, B.4: no clock, timer, randomness, process, console or promise in src/core', () => {
    expect(core.flatMap((path) => impuritiesOf(program, path))).toEqual([])
  })

  it('each of these would be found', () => {
    const found = impuritiesOf(program, IMPURE_FILE).map((one) => Number(/:(\d+) /.exec(one)?.[1]))
    expect(Object.keys(LINES).filter((_, i) => !found.includes(i + 1))).toEqual([])
  })

  it('a parameter that is named after a global would not', () => {
    expect(impuritiesOf(program, PURE_FILE)).toEqual([])
  })
})

describe('the rest of src', () => {
  /** Reads of the wall clock and of the shared generator in a file. */
  function readsOf(path: string, text: string): string[] {
    const found: string[] = []
    visit(parse(path, text), (node) => {
      const shared = ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random'
      const wall = ts.isIdentifier(node) && node.text === 'Date' && !ts.isTypeReferenceNode(node.parent)
      if (shared || wall) found.push(`${place(node)} ${node.getText()}`)
    })
    return found
  }

  it('B.4: only the system clock reads the wall clock, and nothing uses Math.random', () => {
    const others = sourcesUnder('src').filter((path) => path !== WALL_CLOCK)
    const text = (path: string) => (path === CRON.path ? read(path).replace(CRON.once, '') : read(path))
    expect(others.flatMap((path) => readsOf(path, text(path)))).toEqual([])
  })

  it('both would be found, and a comment or a type would not', () => {
    const text = 'Date.now()\nnew Date()\nMath.random()\n// Date.now()\nexport type D = Date'
    expect(readsOf('src/planted.ts', text)).toHaveLength(3)
  })
})
