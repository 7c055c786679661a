/**
 * The command line, as a function: finds the subcommand, runs it, gives the exit code. A new subcommand is a file beside
 * this one and a line in `COMMANDS`.
 *
 * Touches neither `process` nor the streams: `main.ts` does.
 */
import { version } from '../../package.json'
import { type Command, EXIT, UsageError } from './command'
import { completion } from './completion'
import { doctor } from './doctor'
import { history } from './history'
import { pause, resume } from './pause'
import { resign, transfer } from './resign'
import { simulate } from './simulate'
import { status } from './status'
import { supervised } from './supervised'
import type { Terminal } from './terminal'
import { watch } from './watch'
import { witness } from './witness'

/** All subcommands, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  status,
  watch,
  history,
  resign,
  transfer,
  pause,
  resume,
  run: supervised,
  witness,
  doctor,
  simulate,
  completion: completion(() => COMMANDS),
}

/** Text of `conclave --help`. */
function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`)
  return [
    'Usage: conclave <command> [options]',
    '',
    ...rows,
    '',
    'conclave <command> --help says more; conclave --version says which one this is.',
  ].join('\n')
}

/** Runs a command line, without the names of node and script; resolves to the exit code and never rejects for a wrong call. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = argv
  if (name === '--version' || name === '-v') {
    terminal.print(version)
    return EXIT.ok
  }
  if (name === 'help' && args.length > 0) return run([...args, '--help'], terminal)
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.print(overview())
    return EXIT.ok
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    terminal.complain(name === undefined ? 'Which command?' : `There is no command ${JSON.stringify(name)}.`)
    terminal.complain(overview())
    return EXIT.usage
  }
  // what stands behind two dashes is somebody else's
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (own.includes('--help') || own.includes('-h')) {
    terminal.print(command.help)
    return EXIT.ok
  }
  try {
    return await command.run(args, terminal)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    terminal.complain(`conclave ${name}: ${error.message}`)
    terminal.complain(`conclave ${name} --help lists the options.`)
    return EXIT.usage
  }
}
