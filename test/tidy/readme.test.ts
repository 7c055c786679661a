/**
 * Goal: the README says what the code does. Method: every ```ts block is run as a program of its own; every table is
 * compared with the source that it describes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { resolveTiming, type TimingPreset } from '../../src/runtime/timing'
import { read, root, sourcesUnder } from './tree'

const readme = read('README.md')

/** Rows of the first table whose header's first cell is that text. */
function table(head: string): string[][] {
  const lines = readme.split('\n')
  const at = lines.findIndex((line) => line.startsWith(`| ${head} |`))
  expect(at, `a table headed "${head}"`).toBeGreaterThan(0)
  const rows: string[][] = []
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith('|')) break
    rows.push(
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  }
  return rows
}

const names = (rows: readonly string[][]) => rows.map(([first]) => (first ?? '').replaceAll('`', '')).sort()

/** Property names of an exported interface, as written in the source. */
function properties(path: string, name: string): string[] {
  const source = read(path)
  const begin = source.indexOf(`export interface ${name}`)
  const body = source.slice(begin, source.indexOf('\n}\n', begin))
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map((match) => match[1] as string)
}

describe('tables of the README', () => {
  it('list every option, and no other', () => {
    const options = ['ElectorOptions', 'ElectionSettings', 'ElectionOptions'].flatMap((name) =>
      properties('src/runtime/options.ts', name),
    )
    expect(names(table('option'))).toEqual([...new Set(options)].sort())
  })

  it('give the timing of each preset as the code resolves it', () => {
    const presets: TimingPreset[] = ['fast', 'default', 'relaxed']
    for (const [name, ...cells] of table('duration of `timing`')) {
      if (name === '`adaptive`') {
        const most = presets.map((preset) => resolveTiming({ preset }, { volatile: false, stores: false }))
        expect(most.map(({ adaptiveMaxMs }) => `\`${(adaptiveMaxMs ?? 0) > 0}\``)).toEqual(cells.slice(0, 3))
        continue
      }
      const key = (name ?? '').replaceAll('`', '') as keyof ReturnType<typeof resolveTiming>
      const values = presets.map(
        (preset) => resolveTiming({ preset }, { volatile: false, stores: false })[key],
      )
      expect(
        cells.slice(0, 3).map((cell) => Number(cell.replace(',', ''))),
        key,
      ).toEqual(values)
    }
    const keys = properties('src/runtime/timing.ts', 'TimingOptions').filter((key) => key !== 'preset')
    expect(names(table('duration of `timing`'))).toEqual(keys.sort())
  })

  it('list every event', () => {
    expect(names(table('event'))).toEqual(properties('src/runtime/events.ts', 'ElectionEvents').sort())
  })

  it('list every error code', () => {
    const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '(ELECTION_\w+)'/gm)].map((match) => match[1])
    expect(names(table('code'))).toEqual(codes.sort())
    const sources = sourcesUnder('src').filter((file) => file !== 'src/errors.ts')
    const thrown = sources
      .map(read)
      .join()
      .concat(read('src/errors.ts').split('const BRAND')[1] ?? '')
    expect(codes.filter((code) => !thrown.includes(`'${code}'`), 'codes that nothing throws')).toEqual([])
  })

  it('list every reason of a revocation', () => {
    const source = read('src/core/types.ts')
    const begin = source.indexOf('export type RevokeReason')
    const reasons = [...source.slice(begin, source.indexOf('\n\n', begin)).matchAll(/'(\w+)'/g)].map(
      (match) => match[1],
    )
    const sentence = readme.slice(readme.indexOf('Reasons of `revoked`'))
    for (const reason of reasons) expect(sentence.slice(0, 400)).toContain(`\`${reason}\``)
  })

  it('name examples that exist', () => {
    for (const [file] of table('file')) expect(() => read((file ?? '').replaceAll('`', ''))).not.toThrow()
  })
})

describe('code blocks of the README', () => {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const dir = mkdtempSync(join(root, '.tmp/readme-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
  blocks.forEach((block, i) => {
    writeFileSync(join(dir, `block-${i}.mts`), block)
  })
  const start = (
    i: number,
    env: Record<string, string> = {},
  ): { child: ChildProcess; output: () => string } => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(dir, `block-${i}.mts`)], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk))
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk))
    return { child, output: () => text }
  }

  it('the first one, started three times, has exactly one leader', { timeout: 60_000 }, async () => {
    const members = ['a', 'b', 'c'].map((ID) => start(0, { ID }))
    try {
      await expect
        .poll(() => members.map(({ output }) => output()).join(''), { timeout: 40_000 })
        .toMatch(/leads with token/)
      await new Promise((resolve) => setTimeout(resolve, 500))
      const leaders = members.filter(({ output }) => output().includes('leads with token'))
      expect(leaders).toHaveLength(1)
    } finally {
      for (const { child } of members) child.kill('SIGKILL')
      for (const id of ['a', 'b', 'c']) rmSync(join(root, `data-${id}`), { recursive: true, force: true })
    }
  })

  it.each(blocks.slice(1).map((_, i) => i + 1))(
    'block %i runs and ends by itself',
    { timeout: 60_000 },
    async (i) => {
      const { child, output } = start(i)
      const code = await new Promise((resolve) => child.once('exit', resolve))
      expect(code, output()).toBe(0)
    },
  )
})
