/**
 * `conclave doctor`: measures what elections depend on, and says which timing fits, with the arithmetic.
 *
 * Decides what is printed; `measure.ts` measures, `advice.ts` judges. Only reads at members what a stranger may read.
 */
import { isElectionError } from '../errors'
import { failoverOf } from '../runtime/failover'
import { systemClock } from '../runtime/system-clock'
import { resolveTiming, type TimingPreset, timingFaults } from '../runtime/timing'
import { advise, type Judgement, judge, PEERS } from './advice'
import { type Command, EXIT, UsageError } from './command'
import { readMembers } from './connection'
import { flagLines, numberOf, parseFlags } from './flags'
import { type Measured, type MemberFigures, measure, type Samples } from './measure'

const FLAGS = {
  members: {
    value: 'LIST',
    summary: 'voters to measure the way to: a=10.0.0.1:7400,b=10.0.0.2:7400 (default: none)',
  },
  'data-dir': {
    value: 'DIR',
    isPath: true,
    summary: 'directory whose disk is measured; it has to exist (default: none)',
  },
  seconds: { value: 'S', summary: 'how long to measure (default: 10)' },
  timing: {
    value: 'PRESET',
    choices: ['fast', 'default', 'relaxed'],
    summary: 'the timing that has to fit: fast, default or relaxed (default: default)',
  },
  'promise-ms': { value: 'MS', summary: 'the same with a `promiseMs` of its own' },
  json: { summary: 'everything as one JSON object' },
} as const

const HELP = `Usage: conclave doctor [options]

Measures round trips to the members, durable writes, delays of the event loop and the clocks of this host, and says
whether a timing fits and which is the shortest that does. Run it on each host, while the host does its usual work: what
was not loaded while it was measured was not measured.

${flagLines(FLAGS)}

  conclave doctor --members b=10.0.0.2:7400,c=10.0.0.3:7400 --data-dir /var/lib/conclave --timing fast

Exit code 0: the timing fits; 1: it does not, or a member was never reached; 2: wrong call. Members need not run; those
that do are greeted, and say which versions of the protocol they speak. For peers: a store has time-outs of its own.`

/** The subcommand. */
export const doctor: Command = {
  summary: 'measure network, disk, event loop and clocks, and advise timings',
  help: HELP,
  flags: FLAGS,
  async run(args, terminal) {
    const values = parseFlags(args, FLAGS)
    const seconds = numberOf('seconds', values.seconds) ?? 10
    if (seconds < 0.1 || seconds > 86_400) throw new UsageError('--seconds takes 0.1 to 86400.')
    const promiseMs = numberOf('promise-ms', values['promise-ms'])
    const timing = resolveTiming(
      { preset: (values.timing ?? 'default') as TimingPreset, ...(promiseMs === null ? {} : { promiseMs }) },
      PEERS,
    )
    const [fault] = timingFaults(timing)
    if (fault !== undefined) throw new UsageError(`${fault}.`)
    const members = values.members === undefined ? {} : readMembers(values.members)
    const measured = await attempt(seconds, members, values['data-dir'] ?? null)
    const judgement = judge(timing, measured)
    const advice = advise(measured)
    const isReached = measured.members.every(({ connect }) => connect !== null)
    if (values.json === true) {
      terminal.print(JSON.stringify({ ...judgement, isReached, advice, measured }))
    } else {
      for (const line of figuresOf(measured)) terminal.print(line)
      for (const line of verdictOf(judgement, advice)) terminal.print(line)
    }
    return judgement.fits && isReached ? EXIT.ok : EXIT.failed
  },
}

/** @throws UsageError where the directory cannot be used or an address is none. */
async function attempt(
  seconds: number,
  members: Readonly<Record<string, string>>,
  dataDir: string | null,
): Promise<Measured> {
  try {
    return await measure(seconds, members, dataDir, systemClock())
  } catch (error) {
    if (isElectionError(error)) throw new UsageError(error.message)
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw new UsageError(`--data-dir: ${(error as Error).message}`)
  }
}

const inShort = ({ p50Ms, p99Ms, maxMs, count }: Samples): string =>
  `${p50Ms} / ${p99Ms} / ${maxMs} ms (median, p99, longest of ${count})`

function figuresOf({ seconds, members, disk, loop, clock }: Measured): string[] {
  const { driftPpm, driftErrorPpm, stepsMs, sleptMs, resolutionMs } = clock
  const steps = stepsMs.length === 0 ? 'no step' : `steps of ${stepsMs.join(', ')} ms`
  const slept = sleptMs === 0 ? '' : `, the host slept for ${sleptMs} ms`
  return [
    `measured for ${seconds} s:`,
    ...(members.length === 0 ? ['  round trip   not measured: give --members'] : members.map(memberLine)),
    `  write        ${disk === null ? 'not measured: give --data-dir' : inShort(disk)}`,
    `  event loop   ${loop.p50Ms} / ${loop.p99Ms} / ${loop.maxMs} ms late (median, p99, longest)`,
    `  clocks       the wall clock drifts by ${driftPpm} +- ${driftErrorPpm} ppm, ${steps}, resolution ${resolutionMs} ms${slept}`,
    ...(stepsMs.length === 0
      ? []
      : ['               (leases do not look at the wall clock: a step costs none)']),
    '',
  ]
}

function memberLine({ id, address, connect, answer, versions, failures, lastError }: MemberFigures): string {
  const name = `  round trip   ${id}, ${address}: `
  if (connect === null) return `${name}NOT REACHED: ${lastError}`
  const failed = failures === 0 ? '' : `, ${failures} failed: ${lastError}`
  if (answer === null || versions === null) {
    return `${name}${inShort(connect)}, of the connect alone: it answered no greeting in the clear${failed}`
  }
  const spoken = versions.oldest === versions.newest ? '' : ` to ${versions.newest}`
  return `${name}${inShort(answer)}, speaks protocol ${versions.oldest}${spoken}${failed}`
}

function verdictOf({ timing, rules, fits }: Judgement, advice: ReturnType<typeof advise>): string[] {
  const { promiseMs } = timing
  const lines = rules.map(({ name, fits: holds, arithmetic, hazard }) =>
    holds
      ? `  fits         ${name}: ${arithmetic}`
      : `  DOES NOT FIT ${name}: ${arithmetic}; otherwise ${hazard}`,
  )
  const { worstMs } = failoverOf(timing, { others: 2, stores: false })
  return [
    `promiseMs ${promiseMs}:`,
    ...lines,
    '',
    fits
      ? `It fits. With three voters a dead leader is replaced within ${worstMs} ms.`
      : 'It does not fit what was measured.',
    advice === null
      ? 'No timing fits: look at the longest pauses above first.'
      : `The shortest that fits: timing: { ${Object.entries(advice)
          .map(([option, value]) => `${option}: ${value}`)
          .join(', ')} }`,
  ]
}
