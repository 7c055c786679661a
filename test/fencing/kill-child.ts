/**
 * The victim of `kill.test.ts`: claims ever higher tokens and prints each one that was accepted, until it is killed.
 */
import { writeSync } from 'node:fs'
import { fileFence } from 'conclave/fencing'

const [dir = '', first = '1'] = process.argv.slice(2)
const fence = await fileFence({ dir })
for (let token = Number(first); ; token += 1) {
  await Promise.all(
    Array.from({ length: 3 }, async (_, n) => {
      await fence.check(`r${n}`, { token, holder: `h${token % 7}`, election: 'x' })
      writeSync(1, `${n} ${token}\n`)
    }),
  )
}
