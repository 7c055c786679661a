/**
 * Says what to do, in one line, when a command is started before the dependencies are there; otherwise nothing.
 * Uses only what Node.js brings, because nothing else may be installed yet.
 */
import { existsSync } from 'node:fs'

const major = Number(process.versions.node.split('.')[0])
if (major < 20) {
  console.error(`Conclave needs Node.js 20 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
if (!existsSync(new URL('../node_modules/vitest/package.json', import.meta.url))) {
  console.error('The dependencies are not installed. Run `npm ci` first.')
  process.exit(1)
}
