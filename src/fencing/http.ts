/**
 * A fence in front of an HTTP service: requests of a stale leader are answered 412 and go no further (R42).
 *
 * Fits any `(req, res, next)` server: node:http, connect, express, middleware of fastify. It fails closed: `next` is called
 * for an accepted claim and for nothing else, never with an error. It answers; it never logs and never reads the body.
 * Read next: `http-header.ts` (the header), `fence.ts` (the contract).
 */
import { ElectionError, type ElectionErrorCode, isElectionError } from '../errors'
import { type FenceMark, isResource } from './claim'
import type { Fence, GuardingFence } from './fence'
import { FENCING_HEADER, type FenceRequest, readFenceHeader } from './http-header'

/** A response as Node.js gives it: the little that a refusal needs. */
export interface FenceResponse {
  statusCode: number
  readonly headersSent: boolean
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** Options of `fenceMiddleware` and `fencedHandler`. */
export interface HttpFenceOptions<Request extends FenceRequest, F extends Fence = Fence> {
  readonly fence: F
  /**
   * What the request writes to: one name for the whole service, or a function of the request. Two requests that write
   * the same data must give the same name, byte for byte; a throw is answered 500.
   */
  readonly resource: string | ((request: Request) => string)
  /** Told of every refusal: for logs and metrics. Nobody waits for it, and what it throws becomes a process warning. */
  readonly onRefused?: (error: ElectionError, request: Request) => void
}

/**
 * Middleware that passes a request on only if its claim is accepted.
 *
 * | answer | when |
 * |---|---|
 * | 428 | no claim in the header |
 * | 400 | the header or the resource's name is malformed |
 * | 412 | stale token; the JSON body names `seenToken` and `seenHolder` |
 * | 409 | the resource belongs to another election |
 * | 503 | the fence cannot know (storage, floor, time-out, closed) |
 * | 500 | `resource`, or the fence itself, threw something that is not an `ElectionError` |
 *
 * With a `GuardingFence` everything that `next` does synchronously, or until the promise that it returns settles, happens
 * before any other claim for the resource is judged. Hazard: a handler that awaits on its own (a body, a database) and
 * writes afterwards leaves a gap in which a newer leader may write first (B.19). Close it with `fencedHandler`, with
 * `fence.guard` around the write, or with a condition in the statement that writes.
 *
 * The promise that it returns rejects only with what `next` threw.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function fenceMiddleware<Request extends FenceRequest, Response extends FenceResponse = FenceResponse>(
  options: HttpFenceOptions<Request>,
): (request: Request, response: Response, next: () => unknown) => Promise<void> {
  assertOptions(options)
  const { fence } = options
  return (request, response, next) =>
    admit(
      options,
      request,
      response,
      async (resource, claim, work) => {
        if (isGuarding(fence)) return fence.guard(resource, claim, work)
        await fence.check(resource, claim)
        await work()
      },
      next,
    )
}

/**
 * A handler that holds the resource from the check until it is done: nothing slips between check and write, whatever it
 * awaits. It must end by itself, also when the client has gone; the resource waits for it.
 *
 * Refuses as `fenceMiddleware` does. The promise that it returns rejects only with what the handler threw.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function fencedHandler<Request extends FenceRequest, Response extends FenceResponse = FenceResponse>(
  options: HttpFenceOptions<Request, GuardingFence>,
  handler: (request: Request, response: Response) => unknown,
): (request: Request, response: Response) => Promise<void> {
  assertOptions(options)
  if (!isGuarding(options.fence)) {
    throw new ElectionError('ELECTION_CONFIG_INVALID', 'this fence cannot hold a resource: it has no guard()')
  }
  return (request, response) =>
    admit(
      options,
      request,
      response,
      (resource, claim, work) => options.fence.guard(resource, claim, work),
      () => handler(request, response),
    )
}

/** Lets `work` in behind the fence, or answers the request. What the fence throws is a refusal; what `work` throws is not. */
async function admit<Request extends FenceRequest>(
  options: HttpFenceOptions<Request>,
  request: Request,
  response: FenceResponse,
  enter: (resource: string, claim: FenceMark, work: () => Promise<void>) => Promise<void>,
  work: () => unknown,
): Promise<void> {
  const thrown: unknown[] = []
  try {
    const claim = readFenceHeader(request)
    if (claim === null) {
      refuse(options, request, response, 428, invalid(`the request needs the header ${FENCING_HEADER}`))
      return
    }
    const resource = typeof options.resource === 'string' ? options.resource : options.resource(request)
    await enter(resource, claim, async () => {
      try {
        await work()
      } catch (error) {
        thrown.push(error)
      }
    })
  } catch (cause) {
    if (isElectionError(cause)) refuse(options, request, response, STATUS[cause.code] ?? 503, cause)
    else refuse(options, request, response, 500, unexpected(cause))
    return
  }
  if (thrown.length > 0) throw thrown[0]
}

/** Codes that say something about the request; all others mean that the fence cannot know: 503. */
const STATUS: { readonly [code in ElectionErrorCode]?: number } = {
  ELECTION_MESSAGE_INVALID: 400,
  ELECTION_CONFIG_INVALID: 409,
  ELECTION_STALE_TOKEN: 412,
}

function refuse<Request extends FenceRequest>(
  options: HttpFenceOptions<Request>,
  request: Request,
  response: FenceResponse,
  status: number,
  error: ElectionError,
): void {
  tell(options, request, error)
  // Somebody, a time-out perhaps, has answered while the fence was thinking.
  if (response.headersSent) return
  const { code, message, details } = error
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const seen = code === 'ELECTION_STALE_TOKEN' ? pick(details, 'token', 'seenToken', 'seenHolder') : {}
  response.end(`${JSON.stringify({ error: code, message, ...seen })}\n`)
}

function tell<Request extends FenceRequest>(
  options: HttpFenceOptions<Request>,
  request: Request,
  error: ElectionError,
): void {
  const call = async (): Promise<unknown> => options.onRefused?.(error, request)
  call().catch((cause: unknown) => {
    process.emitWarning(new Error('onRefused of a fence threw', { cause }))
  })
}

function pick(
  details: Readonly<Record<string, unknown>>,
  ...keys: readonly string[]
): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, details[key]]))
}

function isGuarding(fence: Fence): fence is GuardingFence {
  return typeof (fence as Partial<GuardingFence>).guard === 'function'
}

function invalid(message: string): ElectionError {
  return new ElectionError('ELECTION_MESSAGE_INVALID', message)
}

/** The client learns nothing of it; `onRefused` finds it in `cause`. */
function unexpected(cause: unknown): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', 'the fence could not judge the request', { cause })
}

function assertOptions<Request extends FenceRequest>(options: HttpFenceOptions<Request>): void {
  const { fence, resource, onRefused } = options
  const wrong =
    typeof fence?.check !== 'function'
      ? 'fence is not a fence'
      : typeof resource !== 'function' && !isResource(resource)
        ? 'resource is neither a name nor a function'
        : onRefused !== undefined && typeof onRefused !== 'function'
          ? 'onRefused is not a function'
          : null
  if (wrong !== null) throw new ElectionError('ELECTION_CONFIG_INVALID', wrong)
}
