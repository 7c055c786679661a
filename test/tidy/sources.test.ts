/**
 * Goal: files that a newcomer finds by name and reads in one sitting. Method: sizes, openings, module state and
 * forbidden words, over the sources; whoever is over a limit is in a table, with the reason in a sentence.
 */
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { filesUnder, parse, place, read, sourcesUnder, visit } from './tree'

const FILE_LINES = 300
const FUNCTION_LINES = 60

/** Files of `src` over the limit, and why they are one file. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'src/compliance/cas-store-cases.ts': 'A list of independent cases; a reader searches it by name.',
  'src/compliance/transport.ts': 'A list of independent cases; a reader searches it by name.',
  'src/core/campaigns.ts':
    'One attempt to lead, from pre-vote to the last answer, is read from top to bottom.',
  'src/core/sessions.ts':
    'The two halves of a session, voter and holder, answer each other message by message.',
  'src/core/state.ts': 'The whole state in one place, half of it prose about its invariants.',
  'src/core/step.ts':
    'The order of a turn is the algorithm; it can be checked only where it stands together.',
  'src/runtime/read-options.ts':
    'The form of every option and the faults between them: one list, read from top to bottom.',
  'src/core/votes.ts':
    'What a voter says to each kind of request, side by side, so that no answer contradicts another.',
  'src/runtime/elector.ts':
    'One process from the inside: each effect, each part and each election is tied to the others here, a line or two apiece.',
  'src/runtime/seat.ts':
    'One election from the inside: what the core says and what the service wants meet in its few fields.',
  'src/simulation/sim-cluster.ts':
    'The public face of the simulator: one short method per thing that can be done.',
  'src/simulation/sim-network.ts':
    'Links, losses and deliveries of one network; each method is one thing that befalls it.',
  'src/simulation/sim-transport.ts': "One process's end of every link: greeting, dialling, delivery.",
  'src/simulation/sim-node.ts': 'One machine with all its lives; the observer has to see both.',
  'src/stores/store-elections.ts':
    'reading, judging and writing one election record are one step of R68; apart they could be called in another order',
  'src/stores/store-watch.ts':
    'One look at a store: what is read, what was found, what is told of it, in this order.',
  'src/wire/parts.ts':
    'One table of layouts, and the two codecs that are nothing but that table read both ways.',
  'src/transports/tcp-links.ts':
    'Whoever opens, replaces or ends a link meets the same two tables; apart they could disagree.',
  'src/transports/tcp-connection.ts': 'The life of one socket, whose states make sense only side by side.',
}

/** Functions of `src` over the limit, as `path name`, and why they are one function. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  'src/core/state.ts createState': 'Each field with its first value, in the order of the type.',
  'src/simulation/faults.ts actOn':
    'One line or two per kind of fault, and the compiler checks that none is left out.',
  'src/simulation/format.ts formatPart':
    'One line per kind of part, and the compiler checks that none is left out.',
  'src/simulation/plan/draw.ts actionOf':
    'One case per kind of fault, and the compiler checks that none is left out.',
}

const MARKERS = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`)
const HOMES = new RegExp(
  ['/work' + '/', '/home' + '/\\w', '/Users' + '/\\w', '/root' + '/', 'C:\\\\Users'].join('|'),
)

const ERROR_CLASS = /\binstanceof (?:Election|StaleToken)Error\b/

/** The lines of a text that a pattern finds, as `path:line`. */
function hits(path: string, pattern: RegExp, text = read(path)): string[] {
  return text
    .split('\n')
    .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : []))
}

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length
}

/** Named functions and methods of a file that are over the limit, as `path name`. */
function longFunctions(path: string, text?: string): string[] {
  const found: string[] = []
  visit(parse(path, text), (node) => {
    if (!ts.isFunctionLike(node) || lineCount(node.getText()) <= FUNCTION_LINES) return
    const owner =
      ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent) ? node.parent : node
    found.push(`${path} ${owner.name?.getText() ?? 'anonymous'}`)
  })
  return found
}

/** Variables of a module that can be assigned anew: state that two electors in one process would share. */
function moduleState(path: string, text?: string): string[] {
  return parse(path, text).statements.flatMap((one) =>
    ts.isVariableStatement(one) && !(one.declarationList.flags & ts.NodeFlags.Const) ? [place(one)] : [],
  )
}

/** Tests that would not run, or would keep others from running. */
const SWITCHED =
  /\b(?:it|test|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo)\b|\b(?:[fx]it|[fx]describe)\(|\bctx\.skip\(/

describe('sources', () => {
  const src = sourcesUnder('src')
  const committed = filesUnder('').filter((path) => path !== 'package-lock.json')

  it(`every file of src has at most ${FILE_LINES} lines, or a reason`, () => {
    const long = src.filter((path) => lineCount(read(path)) > FILE_LINES)
    expect(long.filter((path) => !(path in LONG_FILES))).toEqual([])
  })

  it(`every function of src has at most ${FUNCTION_LINES} lines, or a reason`, () => {
    const long = src.flatMap((path) => longFunctions(path))
    expect(long.filter((name) => !(name in LONG_FUNCTIONS))).toEqual([])
  })

  it('the tables of exceptions name only files that are there', () => {
    const named = [...Object.keys(LONG_FILES), ...Object.keys(LONG_FUNCTIONS)].map(
      (one) => one.split(' ')[0] ?? '',
    )
    expect(named.filter((path) => !src.includes(path))).toEqual([])
  })

  it('every file opens with a comment', () => {
    expect(sourcesUnder('').filter((path) => !/^(?:#!.*\n)?\/[*/]/.test(read(path)))).toEqual([])
  })

  it('no module of src has state', () => {
    expect(src.flatMap((path) => moduleState(path))).toEqual([])
  })

  it('no error is told by its class: each entry point has a copy of its own', () => {
    expect(src.flatMap((path) => hits(path, ERROR_CLASS))).toEqual([])
  })

  it('no test is switched off or runs alone', () => {
    const tests = sourcesUnder('test').filter((path) => path !== 'test/tidy/sources.test.ts')
    expect(tests.flatMap((path) => hits(path, SWITCHED))).toEqual([])
  })

  it('nothing is left for later', () => {
    expect(committed.flatMap((path) => hits(path, MARKERS))).toEqual([])
  })

  it('no path of the machine that a file was written on', () => {
    expect(committed.flatMap((path) => hits(path, HOMES))).toEqual([])
  })

  it('each of these checks finds what it is for', () => {
    expect(longFunctions('src/a.ts', `export const f = () => {\n${'//\n'.repeat(60)}}`)).toEqual([
      'src/a.ts f',
    ])
    expect(longFunctions('src/a.ts', `export const f = () => {\n${'//\n'.repeat(58)}}`)).toEqual([])
    expect(moduleState('src/a.ts', 'const a = 1\nlet b = 2')).toEqual(['src/a.ts:2'])
    expect(hits('a', MARKERS, `// ${'TO' + 'DO'}: later`)).toHaveLength(1)
    expect(hits('a', ERROR_CLASS, 'if (error instanceof ElectionError) throw error')).toHaveLength(1)
    expect(hits('a', HOMES, `in ${'/ho' + 'me/me'}/x`)).toHaveLength(1)
    for (const line of ['it.only(', "describe.skip('x'", "it.concurrent.todo('x'", 'xit(']) {
      expect(hits('a', SWITCHED, line), line).toHaveLength(1)
    }
  })
})
