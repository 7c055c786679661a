/**
 * `conclave doctor`: measures what elections depend on, and says which timing fits, with the arithmetic.
 *
 * Decides what is printed; `measure.ts` measures, `advice.ts` judges. Only reads at members what a stranger may read.
 */
import { isElectionError } from '../errors'
import { failoverOf } from '../runtime/failover'
import { systemClock } from '../runtime/system-clock'
import { resolveTiming, timingFaults } from '../runtime/timing'
import { advise, basisOf, type Judgement, judge } from './advice'
import { type Command, EXIT, UsageError } from './command'
import { readMembers } from './connection'
import { flagLines, numberOf, parseFlags } from './flags'
import { type Measured, type MemberFigures, measure, type Subjects } from './measure'
import type { StoreFigures } from './measure-store'
import type { Samples } from './samples'
import { storeAt, storeUrlOf } from './store-client'
import { readTiming, TIMING } from './timing-flags'

const FLAGS = {
  members: {
    value: 'LIST',
    summary: 'voters to measure the way to: a=10.0.0.1:7400,b=10.0.0.2:7400 (default: none)',
  },
  store: {
    value: 'URL',
    summary:
      'store to measure: postgres://..., redis://..., or http://host:2379 of etcd (default: none, or without --members\nthe environment variable CONCLAVE_STORE). One record is written there again and again, and stays',
  },
  'data-dir': {
    value: 'DIR',
    isPath: true,
    summary: 'directory whose disk is measured; it has to exist (default: none)',
  },
  seconds: { value: 'S', summary: 'how long to measure (default: 10)' },
  ...TIMING,
  json: { summary: 'everything as one JSON object' },
} as const

const HELP = `Usage: conclave doctor [options]

Measures round trips to the members, a store, durable writes, delays of the event loop and the clocks of this host, and
says whether a timing fits and which is the shortest that does. Run it on each host, while the host does its usual work: what
was not loaded while it was measured was not measured.

${flagLines(FLAGS)}

  conclave doctor --members b=10.0.0.2:7400,c=10.0.0.3:7400 --data-dir /var/lib/conclave --timing fast
  conclave doctor --store redis://10.0.0.9:6379

Exit code 0: the timing fits; 1: it does not, or a member or the store was never reached; 2: wrong call. Members need not
run; those that do are greeted, and say which versions of the protocol they speak. With a store the presets are those of
stores, and its calls have the time limit that they have by default; its driver is that of the project in which this is
called.`

/** The subcommand. */
export const doctor: Command = {
  summary: 'measure network, store, disk, event loop and clocks, and advise timings',
  help: HELP,
  flags: FLAGS,
  async run(args, terminal) {
    const values = parseFlags(args, FLAGS)
    const seconds = numberOf('seconds', values.seconds) ?? 10
    if (seconds < 0.1 || seconds > 86_400) {
      throw new UsageError(`--seconds takes 0.1 to 86400, not ${seconds}.`)
    }
    const url = storeUrlOf(values, process.env)
    const timing = resolveTiming(readTiming(values), basisOf(url !== null))
    const [fault] = timingFaults(timing)
    if (fault !== undefined) throw new UsageError(`${fault}.`)
    const members = values.members === undefined ? {} : readMembers(values.members)
    const client = url === null ? null : await storeAt(url, true)
    const subjects = { members, store: client?.store ?? null, dataDir: values['data-dir'] ?? null }
    const measured = await attempt(seconds, subjects).finally(() => client?.close().catch(() => {}))
    const judgement = judge(timing, measured)
    const gaps = gapsOf(measured)
    const advice = gaps.length === 0 ? advise(measured) : null
    const isReached =
      measured.members.every(({ connect }) => connect !== null) && measured.store?.write !== null
    if (values.json === true) {
      terminal.print(JSON.stringify({ ...judgement, isReached, gaps, advice, measured }))
    } else {
      for (const line of figuresOf(measured)) terminal.print(line)
      for (const line of verdictOf(judgement, advice, gaps, measured.store !== null)) {
        terminal.print(line)
      }
    }
    return judgement.fits && isReached ? EXIT.ok : EXIT.failed
  },
}

/** @throws UsageError where the directory cannot be used or an address is none. */
async function attempt(seconds: number, subjects: Subjects): Promise<Measured> {
  try {
    return await measure(seconds, subjects, systemClock())
  } catch (error) {
    if (isElectionError(error)) throw new UsageError(error.message)
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw new UsageError(`--data-dir: ${(error as Error).message}`)
  }
}

const inShort = ({ minMs, p50Ms, p99Ms, maxMs, count }: Samples): string =>
  `${minMs} / ${p50Ms} / ${p99Ms} / ${maxMs} ms (shortest, median, p99, longest of ${count})`

function figuresOf({ seconds, members, store, disk, loop, clock }: Measured): string[] {
  const { driftPpm, driftErrorPpm, stepsMs, sleptMs, resolutionMs } = clock
  const steps = stepsMs.length === 0 ? 'no step' : `steps of ${stepsMs.join(', ')} ms`
  const slept = sleptMs === 0 ? '' : `, the host slept for ${sleptMs} ms`
  return [
    `measured for ${seconds} s:`,
    ...(members.length === 0 ? ['  round trip   not measured: give --members'] : members.map(memberLine)),
    ...(store === null ? [] : storeLines(store)),
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

function storeLines({ name, read, write, failures, lastError }: StoreFigures): string[] {
  const failed = failures === 0 ? '' : `, ${failures} calls failed: ${lastError}`
  return [
    `  store        ${name}, read: ${read === null ? `NOT REACHED${failed}` : inShort(read)}`,
    `               ${name}, compare and set: ${write === null ? `NEVER WRITTEN${failed}` : `${inShort(write)}${failed}`}`,
  ]
}

/** What was not measured, and counts as 0 in the rules. A store stands for the members and for a disk. */
function gapsOf({ members, store, disk }: Measured): string[] {
  return [
    ...members.filter(({ connect }) => connect === null).map(({ id }) => `${id} was never reached`),
    ...(store !== null && store.write === null ? [`${store.name} was never written`] : []),
    ...(store === null && members.length === 0 ? ['round trips were not measured (--members)'] : []),
    ...(store === null && disk === null ? ['writes were not measured (--data-dir)'] : []),
  ]
}

function verdictOf(
  { timing, rules, fits }: Judgement,
  advice: ReturnType<typeof advise>,
  gaps: readonly string[],
  hasStore: boolean,
): string[] {
  const { promiseMs } = timing
  const lines = rules.map(({ name, fits: holds, arithmetic, hazard }) =>
    holds
      ? `  fits         ${name}: ${arithmetic}`
      : `  DOES NOT FIT ${name}: ${arithmetic}; otherwise ${hazard}`,
  )
  const { worstMs } = failoverOf(
    timing,
    hasStore ? { others: 0, stores: true } : { others: 2, stores: false },
  )
  const whose = hasStore ? 'Over a store' : 'With three voters'
  const verdict = [`promiseMs ${promiseMs}:`, ...lines, '']
  if (gaps.length > 0) {
    const known = fits ? 'It fits as far as that was measured' : 'It does not fit what was measured'
    return [...verdict, `${known}: ${gaps.join('; ')}. Which is the shortest that fits cannot be said then.`]
  }
  return [
    ...verdict,
    fits
      ? `It fits. ${whose} a dead leader is replaced within ${worstMs} ms.`
      : 'It does not fit what was measured.',
    advice === null
      ? 'No timing fits: look at what is slow or stands still above first.'
      : `The shortest that fits: timing: { ${Object.entries(advice)
          .map(([option, value]) => `${option}: ${value}`)
          .join(', ')} }`,
  ]
}
