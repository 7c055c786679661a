/**
 * How a transport or a storage is made anew in another thread (`worker: true`): sockets and files cannot be moved there,
 * but the options that they are made of can be copied. Types only.
 */

/** What the worker makes. Everything in `options` survives a structured clone. */
export interface Portable {
  readonly make: 'tcp' | 'file' | 'memory'
  readonly options: unknown
  /** From now on calls that the service makes on the object in its own thread (new secrets) are handed on to the copy. */
  relay?(to: (method: string, argument: unknown) => void): void
}
