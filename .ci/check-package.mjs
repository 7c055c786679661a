/**
 * Looks at the package as a user would get it: packs it, checks the list of files, then publint and attw, then imports
 * every entry point from the unpacked archive as ESM and as CommonJS and compiles against its types both ways.
 *
 * Needs `npm run build` before. Reads `dist`, writes only below `.tmp`, uses no network.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { transformSync } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const work = join(root, '.tmp', 'package')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.keys(manifest.exports).filter((key) => key !== './package.json')
const names = entries.map((key) => key.replace('.', manifest.name))

/** Runs a command and gives its output; on failure prints that output and ends with the command's exit code. */
function run(command, args, cwd = root) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    console.error(`${command} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? error}`)
    process.exit(error.status || 1)
  }
}

/** The archive, after a check that it holds the built entry points, the three documents, and nothing else. */
function pack() {
  const [archive] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work]))
  const files = archive.files.map((file) => file.path)
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
  const built = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : Object.values(target).flatMap((condition) => Object.values(condition)),
  )
  const programs = Object.values(manifest.bin)
  const helpers = ['dist/sentinel.cjs', 'dist/worker.js']
  const wanted = [...documents, ...programs, ...helpers, ...built.map((file) => file.replace('./', ''))]
  const missing = wanted.filter((file) => !files.includes(file))
  const extra = files.filter((file) => !wanted.includes(file) && !/^dist\/[\w-]+\.d\.c?ts$/.test(file))
  if (missing.length > 0 || extra.length > 0) {
    console.error(`The archive lacks [${missing}] and should not hold [${extra}].`)
    process.exit(1)
  }
  console.log(`packed ${files.length} files, ${Math.ceil(archive.size / 1024)} KiB`)
  return join(work, archive.filename)
}

/** A project beside the archive: its own copy of the package, the dependencies of this repository. */
function installInto(folder, archive) {
  const home = join(folder, 'node_modules', manifest.name)
  mkdirSync(home, { recursive: true })
  run('tar', ['-xzf', archive, '-C', home, '--strip-components=1'])
}

/** Loads every entry point, in both module systems, from the unpacked archive. */
function load(folder) {
  const esm = names.map((name) => `await import('${name}')`).join('\n')
  const cjs = names.map((name) => `require('${name}')`).join('\n')
  writeFileSync(join(folder, 'load.mjs'), esm)
  writeFileSync(join(folder, 'load.cjs'), cjs)
  run(process.execPath, ['load.mjs'], folder)
  run(process.execPath, ['load.cjs'], folder)
}

/** Runs the command line from the unpacked archive: with worker processes, and wrongly. */
function runProgram(folder) {
  const program = join(folder, 'node_modules', manifest.name, manifest.bin.conclave)
  const swarm = 'simulate --seed 1 --seeds 40 --workers 2 --profile calm'
  run(process.execPath, [program, ...swarm.split(' ')])
  try {
    execFileSync(process.execPath, [program, 'no-such-command'], { stdio: 'ignore' })
  } catch ({ status }) {
    if (status === 2) return
  }
  console.error('a wrong command has to end with exit code 2')
  process.exit(1)
}

/** Compiles a file that imports every entry point, as each kind of project resolves it, libraries checked too; it asks for no types of Node.js. */
function compile(folder) {
  const source = names.map((name, i) => `import * as e${i} from '${name}'\nexport type E${i} = typeof e${i}`)
  for (const file of ['types.mts', 'types.cts', 'types.ts'])
    writeFileSync(join(folder, file), source.join('\n'))
  const typeRoots = join(root, 'node_modules', '@types')
  const common = ['--ignoreConfig', '--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2023']
  for (const how of [
    ['--module', 'nodenext', 'types.mts', 'types.cts'],
    ['--module', 'commonjs', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0', 'types.ts'],
    ['--module', 'esnext', '--moduleResolution', 'bundler', 'types.mts'],
  ]) {
    run(bin('tsc'), [...common, '--typeRoots', typeRoots, ...how], folder)
  }
}

/** What each built file may weigh, minified and compressed, KB. */
const BUDGET_KB = {
  index: 78,
  core: 18.5,
  tcp: 16.5,
  postgres: 13,
  redis: 12.6,
  etcd: 12,
  store: 10.4,
  fencing: 11.8,
  metrics: 2.2,
  http: 1.6,
  schedule: 13.4,
  simulation: 138,
  compliance: 11,
  worker: 54,
  conclave: 185,
}

/**
 * What each entry may ask of Node.js when it is imported: most of what an import costs beyond parsing, and the same on every
 * machine. Whatever is heavy and seldom needed is loaded on first use.
 */
const COMMON =
  'crypto events fs fs/promises module net os path perf_hooks timers/promises url util worker_threads'
const BUILTINS = {
  index: COMMON,
  core: '',
  tcp: 'crypto net tls',
  postgres: 'crypto',
  redis: 'crypto',
  etcd: 'crypto',
  store: '',
  fencing: 'crypto fs fs/promises net os path timers/promises',
  metrics: '',
  http: '',
  schedule: 'fs os perf_hooks',
  simulation: `${COMMON} timers`,
  compliance: 'assert/strict crypto',
  worker: `${COMMON} tls`,
  conclave: `${COMMON} child_process tls`,
}

/** An import costs what its files cost: each entry is one file that needs nothing but Node.js, and keeps to its budget. */
function weigh() {
  for (const file of readdirSync(join(root, 'dist')).filter((name) => name.endsWith('.js'))) {
    const code = readFileSync(join(root, 'dist', file), 'utf8')
    const minified = transformSync(code, { minify: true, format: 'esm' }).code
    const weight = gzipSync(minified, { level: 9 }).length / 1024
    const budget = BUDGET_KB[file.slice(0, -3)]
    if (budget === undefined || weight > budget) {
      console.error(`dist/${file} has ${weight.toFixed(1)} KB, its budget is ${budget} KB`)
      process.exit(1)
    }
    const packages = [...code.matchAll(/^import .*? from ['"]([^'"]+)['"]/gm)].map(([, name]) => name)
    const strangers = packages.filter((name) => !isBuiltin(name))
    if (strangers.length > 0) {
      console.error(`dist/${file} loads ${strangers.join(', ')}: bundle it, or load it when it is needed`)
      process.exit(1)
    }
    const known = BUILTINS[file.slice(0, -3)].split(' ')
    const heavy = packages.map((name) => name.replace('node:', '')).filter((name) => !known.includes(name))
    if (heavy.length > 0) {
      console.error(
        `dist/${file} loads ${heavy.join(', ')} of Node.js at its import: load it when it is needed`,
      )
      process.exit(1)
    }
  }
  console.log('every built file is within its budget, and loads nothing but Node.js')
}

rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
weigh()
const archive = pack()
run(bin('publint'), ['run', archive, '--strict'])
console.log('publint: clean')
run(bin('attw'), [archive])
console.log('attw: clean')
installInto(work, archive)
load(work)
runProgram(work)
compile(work)
console.log(`loaded and compiled as ESM and CommonJS: ${names.join(' ')}`)
