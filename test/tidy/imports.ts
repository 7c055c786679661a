/**
 * The dependency rule: which folder of `src` may import what. `breachesOf` applies the table to one file.
 *
 * A folder that is not in the table may import nothing, so a new folder is a decision that is made here.
 */
import { posix } from 'node:path'
import ts from 'typescript'
import { parse, visit } from './tree'

/** What one folder may import. A trailing ` (types)` admits type-only imports. `node:` stands for all of Node.js. */
export type Allowance = readonly string[]

const ADAPTER: Allowance = ['ports', 'core (types)', 'wire', 'errors', 'node:']
const CHECKER: Allowance = [
  ...['core', 'ports', 'wire', 'runtime', 'errors', 'storage/memory', 'fencing/memory'],
  ...['storage (types)', 'stores (types)', 'fencing (types)', 'node:', 'eventemitter3', 'zod'],
]

/** Folder or file of `src` -> what it may import besides itself. */
export const ALLOWED: Readonly<Record<string, Allowance>> = {
  core: [],
  ports: ['core (types)'],
  errors: [],
  wire: ['core (types)', 'errors', 'zod'],
  storage: ADAPTER,
  transports: [...ADAPTER, 'core/identity'],
  stores: [...ADAPTER, 'core/voter'],
  fencing: [...ADAPTER, 'stores/postgres-loan', 'storage/directory', 'storage/lock'],
  runtime: [
    'core',
    'ports',
    'wire (types)',
    'storage',
    'errors',
    'node:',
    'zod',
    'eventemitter3',
    'pino (types)',
  ],
  worker: ['ports (types)', 'runtime', 'storage', 'transports', 'node:'],
  metrics: ['ports (types)', 'runtime (types)'],
  http: ['core (types)', 'errors', 'runtime (types)', 'node:'],
  simulation: [...CHECKER, 'stores/store-voter', 'stores/memory-cas'],
  compliance: CHECKER,
  schedule: ['core (types)', 'ports', 'errors', 'runtime', 'fencing (types)', 'croner'],
  cli: [
    'simulation',
    'core',
    'ports',
    'errors',
    'runtime',
    'transports',
    'stores',
    'storage',
    'fencing',
    'node:',
    // which version it is
    '../package.json',
  ],
  index: ['core', 'ports', 'wire (types)', 'runtime', 'storage', 'errors'],
}

/** One import of a file: what it names and whether only types come through it. */
interface Imported {
  readonly name: string
  readonly typeOnly: boolean
}

/** Every import, re-export, type import and dynamic import of a file. */
function importsOf(file: ts.SourceFile): Imported[] {
  const found: Imported[] = []
  visit(file, (node) => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause
      const named = clause?.namedBindings
      const allTypes =
        clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
        (!clause?.name && named && ts.isNamedImports(named) && named.elements.every((one) => one.isTypeOnly))
      found.push({ name: textOf(node.moduleSpecifier), typeOnly: allTypes === true })
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      const named = node.exportClause
      const allTypes =
        node.isTypeOnly ||
        (named && ts.isNamedExports(named) && named.elements.every((one) => one.isTypeOnly))
      found.push({ name: textOf(node.moduleSpecifier), typeOnly: allTypes === true })
    } else if (ts.isImportTypeNode(node)) {
      found.push({ name: textOf(node.argument), typeOnly: true })
    } else if (ts.isCallExpression(node) && /^(import|require)$/.test(node.expression.getText())) {
      found.push({ name: textOf(node.arguments[0]), typeOnly: false })
    }
  })
  return found
}

/** The module that a specifier names; an expression gives its source text, which no allowance admits. */
function textOf(node: ts.Node | undefined): string {
  if (node && ts.isLiteralTypeNode(node)) return textOf(node.literal)
  return node && ts.isStringLiteralLike(node) ? node.text : `(${node?.getText()})`
}

/** `src/core/state.ts` -> `core`; `src/errors.ts` -> `errors`. */
export function areaOf(path: string): string {
  const [, first = ''] = path.split('/')
  return first.replace(/\.ts$/, '')
}

/** What a specifier names, from `src` for a relative one: `core/state`, `node:fs`, `zod`. */
function targetOf(path: string, name: string): string {
  return name.startsWith('.') ? posix.relative('src', posix.join(posix.dirname(path), name)) : name
}

function admits(allowed: string, target: string, typeOnly: boolean): boolean {
  const [what = '', types] = allowed.split(' ')
  if (types === '(types)' && !typeOnly) return false
  return what === 'node:' ? target.startsWith('node:') : target === what || target.startsWith(`${what}/`)
}

/** The imports of a file that the table does not admit, as sentences. */
export function breachesOf(path: string, text?: string): string[] {
  const area = areaOf(path)
  const allowed = [...(ALLOWED[area] ?? []), ...(ALLOWED[area] && area !== 'index' ? [area] : [])]
  return importsOf(parse(path, text)).flatMap(({ name, typeOnly }) => {
    const target = targetOf(path, name)
    if (/\.[cm]?[jt]s$/.test(name) && name.startsWith('.'))
      return [`${path} imports ${name} with an extension`]
    if (allowed.some((one) => admits(one, target, typeOnly))) return []
    return [`${path} imports ${typeOnly ? 'types' : 'values'} of ${target}`]
  })
}
