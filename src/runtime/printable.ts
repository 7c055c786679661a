/** Strings of peers and of user code, made safe for a log line (E9). A leaf. */

/** At most 200 characters, control characters escaped. */
export function printable(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 199)}…` : text
  return cut.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What was thrown, in one safe line. Never throws, whatever was thrown. */
export function describe(thrown: unknown): string {
  try {
    return printable(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown))
  } catch {
    return 'something that cannot be printed'
  }
}
