/** Size and import time of each entry point of the built package: `npm run build` first. Import time beside that of an empty module. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { entries } from '../../tsup.config'
import { head, summary, value } from './stats'

const root = fileURLToPath(new URL('../..', import.meta.url))

function importMs(file: string): number {
  const script = `const t=process.hrtime.bigint();await import(${JSON.stringify(pathToFileURL(file).href)});console.log(Number(process.hrtime.bigint()-t)/1e6)`
  return Number(spawnSync(process.execPath, ['--input-type=module', '-e', script]).stdout.toString())
}

export async function benchFootprint(): Promise<void> {
  head(
    'footprint: bundled and minified with its dependencies, and import time of the built file (11 processes each, in turn)',
  )
  const dir = mkdtempSync(join(tmpdir(), 'conclave-footprint-'))
  const empty = join(dir, 'empty.mjs')
  writeFileSync(empty, 'export {}\n')
  const names = Object.keys(entries).filter((name) => existsSync(join(root, 'dist', `${name}.js`)))
  const times = new Map<string, number[]>([['', []], ...names.map((name): [string, number[]] => [name, []])])
  for (let round = 0; round < 11; round++) {
    for (const [name, series] of times)
      series.push(importMs(name === '' ? empty : join(root, 'dist', `${name}.js`)))
  }
  const floor = summary(times.get('') ?? []).p50
  value('(empty module): import p50', floor, 'ms')
  for (const name of names) {
    const file = join(root, 'dist', `${name}.js`)
    const bundle = await build({
      entryPoints: [file],
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      write: false,
      logLevel: 'silent',
    })
    const alone = await build({
      entryPoints: [file],
      minify: true,
      format: 'esm',
      write: false,
      logLevel: 'silent',
    })
    const [whole, own] = [bundle, alone].map(
      ({ outputFiles }) => gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length,
    )
    const { p50 } = summary(times.get(name) ?? [])
    value(`${name}: built file, minified`, (own ?? 0) / 1024, 'KB gzip')
    value(`${name}: with its dependencies`, (whole ?? 0) / 1024, 'KB gzip')
    value(`${name}: import p50 above the empty module`, p50 - floor, 'ms')
  }
  rmSync(dir, { recursive: true })
}
