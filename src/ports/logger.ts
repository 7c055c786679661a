/**
 * Where log lines go: the subset of pino that the library uses. Silent by default.
 *
 * What the library guarantees: nothing per heartbeat above `debug`; strings that peers supplied are cut to 200
 * characters with control characters escaped (E9); no secret, no token of another system, no buffer is ever passed.
 * What a logger guarantees: it does not throw and does not block.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The default: says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
}
