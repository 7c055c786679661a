/**
 * Goal: no bug of the catalogue is forgotten, and no test names one that is not in it. Method: the numbers of
 * `catalogue.ts` against the titles of every test, wherever it is.
 */
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { parse, sourcesUnder, visit } from '../tidy/tree'
import { BUGS, REAL_ROWS, WAITING } from './catalogue'

/** Numbers that the titles in a text name. */
function numbersIn(path: string, text?: string): number[] {
  const found: number[] = []
  visit(parse(path, text), (node) => {
    if (!ts.isCallExpression(node) || !/^(?:it|test|describe)\b/.test(node.expression.getText())) return
    const [title] = node.arguments
    if (title === undefined || !ts.isStringLiteralLike(title)) return
    const [head = ''] = title.text.split(': ', 1)
    for (const [, number] of head.matchAll(/\bbug (\d+)\b/g)) found.push(Number(number))
  })
  return found
}

const tests = sourcesUnder('test').filter(
  (path) => path.endsWith('.test.ts') && path !== 'test/bugs/catalogue.test.ts',
)
const where = new Map<number, string[]>()
for (const path of tests) {
  for (const number of numbersIn(path)) where.set(number, [...(where.get(number) ?? []), path])
}
const rows = Object.keys(BUGS).map(Number)

describe('the catalogue of bugs', () => {
  it('every row has a test that is named after it, or says what it waits for', () => {
    expect(rows.filter((number) => !where.has(number) && !(number in WAITING))).toEqual([])
  })

  it('a row that has a test waits for nothing: take it off the list', () => {
    expect(Object.keys(WAITING).filter((number) => where.has(Number(number)))).toEqual([])
    expect(Object.keys(WAITING).filter((number) => !(number in BUGS))).toEqual([])
  })

  it('rows that need real processes have a test with them', () => {
    const real = (number: number) => (where.get(number) ?? []).some((path) => path.startsWith('test/real/'))
    expect(REAL_ROWS.filter((number) => !real(number))).toEqual([])
  })

  it('no test names a number that is not in it', () => {
    expect([...where.keys()].filter((number) => !(number in BUGS))).toEqual([])
  })

  it('a title is read as it is meant', () => {
    const text = `it('P4, bug 23, bug 64: x', f)\nit('bug 9 is not meant', f)\nit.each([1])('bug 31: %s', f)\nsay('bug 3: no')`
    expect(numbersIn('test/planted.test.ts', text)).toEqual([23, 64, 9, 31])
  })
})
