/**
 * `conclave run`: reads its command line. What it does is in `supervise.ts`.
 */
import { type Command, UsageError } from './command'
import { supervise } from './supervise'

const HELP = `Usage: conclave run -- <command> [arguments]

Starts a service that uses conclave over TCP and, when it has died, tells the other voters at once: they
elect in milliseconds and need not wait for its lease to run out. Works for kill -9, an OOM kill, a
segmentation fault, abort(). The service needs no option for it.

  conclave run -- node service.js
  conclave run -- sh -c 'exec node service.js'      (without exec the shell is supervised, not the service)

Signals, standard streams and the channel of a parent that forked it are passed on. The exit code is that of
the service, or 128 + the number of the signal that ended it.

It proves nothing when the whole host or container dies, and is no restarter: whatever starts your services
starts this. As process 1 of a container put an init before it (docker run --init): orphans of other
processes are not collected.`

/** The subcommand `run`. */
export const supervised: Command = {
  summary: 'start a service and tell the voters at once when it has died',
  help: HELP,
  flags: {},
  takesProgram: true,
  run(args, terminal) {
    const [dashes, command, ...rest] = args
    if (dashes !== '--' || command === undefined) {
      throw new UsageError('give the command behind two dashes: conclave run -- node service.js')
    }
    return supervise(command, rest, (line) => terminal.complain(`conclave run: ${line}`))
  },
}
