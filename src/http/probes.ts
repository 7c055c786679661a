/**
 * `/healthz`, `/readyz` and `/leader` for any `(req, res, next)` server: node:http, connect, express, middleware of fastify.
 *
 * Three questions that must not be mixed up (USERS 8). *Is a restart the cure?* `/healthz` fails only when storage or transport
 * failed for good. *May requests come here?* `/readyz` says whether this process runs; never whether it leads, for a follower is
 * ready and the next leader, and a roll-out that waits for leadership hangs. *Who leads?* `/leader`. Opens nothing (E10), reads no
 * body, and answers with one word unless the service says that the asker may see the status.
 */
import { ElectionError } from '../errors'
import type { Election, Elector } from '../runtime/api'
import type { ElectionStatus, ElectorStatus } from '../runtime/status'

/** A request as Node.js gives it: the little that is read. */
export interface ProbeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
}

/** A response as Node.js gives it: the little that an answer needs. */
export interface ProbeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body?: string): unknown
}

/** Options of `probes`. */
export interface ProbeOptions<Request extends ProbeRequest = ProbeRequest> {
  /**
   * Where the leader is reached: the address without a path (`http://10.0.0.2:8080`), or null if that is not known. With it
   * `/leader` answers 307 to that address and the path of the request, instead of 503. Hazard: the answer is as old as the news
   * of the leader, so a client may be sent to one that has just lost; let it follow a few redirects at most.
   */
  readonly leaderUrl?: (leader: string) => string | null
  /**
   * Who gets the whole status as JSON; the others get one word. Default: nobody, because it names addresses of members (E9).
   * Too generous: anybody who reaches the port learns them.
   */
  readonly maySee?: (request: Request) => boolean
  /** Paths. Default: `/healthz`, `/readyz`, `/leader`. */
  readonly paths?: { readonly healthz?: string; readonly readyz?: string; readonly leader?: string }
}

/** Answers what it knows and calls `next` for everything else; without `next` that is 404. Returns true iff it answered. */
export type ProbeHandler<Request extends ProbeRequest = ProbeRequest> = (
  request: Request,
  response: ProbeResponse,
  next?: () => unknown,
) => boolean

/**
 * Makes the handler for one election, or for all of an elector (then `/leader/<name>` asks for one).
 *
 * | path | 200 | otherwise |
 * |---|---|---|
 * | `/healthz` | the process may go on | 503: storage or transport failed for good, restart it |
 * | `/readyz` | started, and not stopping | 503 |
 * | `/leader` | this process leads, by the clock at this call | 503, or 307 with `leaderUrl`; 404: no such election |
 *
 * GET and HEAD only; others get 405. For probes of a load balancer or of Kubernetes, answers are never cached.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function probes<Request extends ProbeRequest = ProbeRequest>(
  source: Election | Elector,
  options: ProbeOptions<Request> = {},
): ProbeHandler<Request> {
  check(source, options)
  const { leaderUrl, maySee } = quiet(options)
  const paths = { healthz: '/healthz', readyz: '/readyz', leader: '/leader', ...options.paths }
  return (request, response, next) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const name = path.startsWith(`${paths.leader}/`) ? path.slice(paths.leader.length + 1) : null
    const known = path === paths.healthz || path === paths.readyz || path === paths.leader || name !== null
    if (!known && next !== undefined) {
      next()
      return false
    }
    const answer = known ? judge() : { code: 404, word: 'not found' }
    send(request, response, answer, known && maySee(request) ? source.status() : null)
    return true

    function judge(): Answer {
      if (request.method !== undefined && request.method !== 'GET' && request.method !== 'HEAD') {
        return { code: 405, word: 'GET or HEAD', headers: { Allow: 'GET, HEAD' } }
      }
      if (path === paths.healthz) return healthz(phaseOf(source))
      if (path === paths.readyz) return readyz(phaseOf(source))
      return leader(source, name, leaderUrl, request.url ?? '/')
    }
  }
}

/**
 * The functions of the service, as ones that never throw: a server passes what its handlers throw to nobody, so a fault in one of
 * these would end the process. Then nobody sees the status, and no address of the leader is known; a process warning says why, once.
 */
function quiet<Request extends ProbeRequest>({ leaderUrl, maySee }: ProbeOptions<Request>) {
  let isReported = false
  const ask = <T>(name: string, call: () => T): T | null => {
    try {
      return call()
    } catch (error) {
      const message = `probes(): ${name} threw: ${error instanceof Error ? error.message : typeof error}`
      if (!isReported) process.emitWarning(message, { type: 'ConclaveWarning', code: 'CONCLAVE_PROBES' })
      isReported = true
      return null
    }
  }
  return {
    leaderUrl: (leader: string): string | null => ask('leaderUrl', () => leaderUrl?.(leader)) ?? null,
    maySee: (request: Request): boolean => ask('maySee', () => maySee?.(request)) === true,
  }
}

interface Answer {
  readonly code: number
  /** What everybody may read. */
  readonly word: string
  readonly headers?: Readonly<Record<string, string>>
}

function phaseOf(source: Election | Elector): string {
  const status = source.status()
  return 'process' in status ? status.process.phase : status.phase
}

function healthz(phase: string): Answer {
  return phase === 'failed' ? { code: 503, word: phase } : { code: 200, word: 'ok' }
}

function readyz(phase: string): Answer {
  return phase === 'running' ? { code: 200, word: 'ready' } : { code: 503, word: phase }
}

function leader(
  source: Election | Elector,
  name: string | null,
  leaderUrl: (leader: string) => string | null,
  url: string,
): Answer {
  const view = viewOf(source, name)
  if (view === null) return { code: 404, word: 'no such election' }
  if (view.isLeader) return { code: 200, word: 'leader' }
  const base = view.leader === null ? null : leaderUrl(view.leader)
  if (base === null) return { code: 503, word: 'not the leader' }
  return { code: 307, word: 'the leader is elsewhere', headers: { Location: `${base}${url}` } }
}

/** Who leads what is asked for: the only election of the source, or the one of that name. */
function viewOf(
  source: Election | Elector,
  name: string | null,
): { readonly isLeader: boolean; readonly leader: string | null } | null {
  if ('isLeader' in source) {
    if (name !== null && name !== source.name) return null
    return { isLeader: source.isLeader(), leader: source.leader }
  }
  const { elections } = source.status()
  const names = Object.keys(elections)
  const asked = name ?? (names.length === 1 ? names[0] : undefined)
  return asked !== undefined && Object.hasOwn(elections, asked) ? (elections[asked] ?? null) : null
}

function send(
  { method }: ProbeRequest,
  response: ProbeResponse,
  { code, word, headers = {} }: Answer,
  status: ElectionStatus | ElectorStatus | null,
): void {
  response.statusCode = code
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const body = status === null ? { answer: word } : { answer: word, status }
  response.end(method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`)
}

function check<Request extends ProbeRequest>(
  source: Election | Elector,
  options: ProbeOptions<Request>,
): void {
  const faults: string[] = []
  if (typeof source?.status !== 'function') faults.push('expected an election or an elector')
  for (const key of Object.keys(options)) {
    if (!['leaderUrl', 'maySee', 'paths'].includes(key)) faults.push(`unknown option "${key.slice(0, 60)}"`)
  }
  for (const key of ['leaderUrl', 'maySee'] as const) {
    if (options[key] !== undefined && typeof options[key] !== 'function') faults.push(`${key} is no function`)
  }
  for (const [key, path] of Object.entries(options.paths ?? {})) {
    if (!['healthz', 'readyz', 'leader'].includes(key)) faults.push(`unknown path "${key.slice(0, 60)}"`)
    else if (typeof path !== 'string' || !path.startsWith('/')) faults.push(`paths.${key} begins with no "/"`)
  }
  if (faults.length > 0) throw new ElectionError('ELECTION_CONFIG_INVALID', `probes(): ${faults.join('; ')}`)
}
