/**
 * What an etcd call did on its way: how often it may have reached a server, and how to end it.
 *
 * Decides whether an answer can be taken at its word: the etcd3 client sends a call again, to another member, when one
 * became unavailable under it, and the second run of a compare-and-set finds what the first one wrote. Must not load
 * grpc: an interceptor is an object with a few methods. Read next: `etcd.ts`.
 */

/** Options of one call, as grpc takes them. */
export interface EtcdCallOptions {
  readonly interceptors: readonly ((options: object, next: (options: object) => GrpcCall) => GrpcCall)[]
}

/** One attempt of a call, as grpc hands it to interceptors. */
export interface GrpcCall {
  start(metadata: unknown, listener?: Partial<GrpcListener>): void
  cancelWithStatus(code: number, details: string): void
}

interface GrpcListener {
  onReceiveStatus(status: { readonly code: number; readonly details: string }): void
}

const UNAVAILABLE = 14
const DEADLINE_EXCEEDED = 4
/** Details of a status that grpc itself makes when it never had a connection to send the call over. */
const NEVER_SENT =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|Name resolution failed|No connection established/

/** Watches the attempts of one call. */
export class EtcdCall {
  readonly #attempts = new Set<GrpcCall>()
  #sent = 0
  #over = false

  /** Attempts that may have reached a server. */
  get sent(): number {
    return this.#sent
  }

  /** To be passed to the client with the call. */
  get options(): EtcdCallOptions {
    return { interceptors: [(options, next) => this.#attempt(next(options))] }
  }

  /** Ends the attempt under way, so that the client gives its connection up, and lets no other one begin. */
  abandon(): void {
    this.#over = true
    for (const attempt of this.#attempts) attempt.cancelWithStatus(DEADLINE_EXCEEDED, 'no answer in time')
  }

  #attempt(call: GrpcCall): GrpcCall {
    if (this.#over) throw new Error('the call was abandoned')
    this.#attempts.add(call)
    this.#sent += 1
    const start = call.start.bind(call)
    call.start = (metadata, listener) =>
      start(metadata, {
        ...listener,
        onReceiveStatus: (status) => {
          this.#attempts.delete(call)
          if (status.code === UNAVAILABLE && NEVER_SENT.test(status.details)) this.#sent -= 1
          listener?.onReceiveStatus?.(status)
        },
      })
    return call
  }
}
