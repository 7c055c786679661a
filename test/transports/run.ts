/** Starts `child.ts` as a process of its own and waits for its end. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What it printed and how it ended; killed after 10 s. */
export function run(...args: string[]) {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
  return { ended }
}
