/**
 * What has to be written to a terminal so that it shows other lines than before: only those that changed. Pure.
 *
 * The cursor stands at the beginning of the line below the last one, before and after. Lines are no longer than the terminal
 * is wide and fewer than it is high (`fitted`), or the terminal would move them about by itself.
 */

/** The first lines again, each cut to the width; when some are left out the last one says so. */
export function fitted(
  lines: readonly string[],
  { columns, rows }: { columns: number; rows: number },
): string[] {
  const room = Math.max(2, rows - 1)
  const width = Math.max(10, columns - 1)
  const shown =
    lines.length > room ? [...lines.slice(0, room - 1), `... ${lines.length - room + 1} more lines`] : lines
  return shown.map((line) => (line.length > width ? line.slice(0, width) : line))
}

/** Control codes and text that lead from one picture to the next; empty if they are alike. */
export function redraw(before: readonly string[], after: readonly string[]): string {
  let out = ''
  // the cursor is that many lines below the first
  let at = before.length
  const moveTo = (line: number): void => {
    if (line < at) out += `\u001b[${at - line}A`
    else if (line > at) out += `\u001b[${line - at}B`
    at = line
  }
  for (const [line, text] of after.entries()) {
    if (line < before.length && before[line] === text) continue
    moveTo(line)
    // a line feed, not a movement: below the last line there may be none yet
    out += `${text}\u001b[K\n`
    at += 1
  }
  if (after.length < before.length) {
    moveTo(after.length)
    out += '\u001b[J'
  }
  moveTo(after.length)
  return out
}
