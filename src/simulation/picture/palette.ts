/**
 * Colours of the pictures, light and dark. Hues of elections are told apart by people who do not see red or green (after
 * Okabe and Ito), and differ in lightness; what is an alarm has a pattern of its own, too.
 */

/** A colour for each role that it plays; the first value is light, the second dark. */
const PALETTE: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  page: ['#ffffff', '#0d1117'],
  lane: ['#f4f6f8', '#161b22'],
  line: ['#8c959f', '#6e7681'],
  grid: ['#e3e7ec', '#262c36'],
  text: ['#1f2328', '#e6edf3'],
  soft: ['#59636e', '#9198a1'],
  down: ['#d5dae0', '#30363d'],
  pause: ['#f2c14e', '#d29922'],
  suspend: ['#9d8df1', '#8878dd'],
  cut: ['#b35900', '#f0883e'],
  alarm: ['#cf222e', '#ff6b6b'],
  ask: ['#3d4852', '#c3ccd6'],
  reply: ['#0a7d8c', '#4fc3d0'],
  routine: ['#b4bcc6', '#3f4854'],
  replay: ['#8250df', '#bc8cff'],
  onBar: ['#ffffff', '#0d1117'],
  e0: ['#0072b2', '#58a6e0'],
  e1: ['#b8720a', '#e8a33d'],
  e2: ['#00805c', '#3fbf95'],
  e3: ['#a3407f', '#e08cc0'],
}

/** Elections that have a colour of their own; the fifth looks like the first. */
export const ELECTION_COLOURS = 4

/** CSS that defines the colours as variables, dark where the reader prefers that. */
export function paletteCss(): string {
  const side = (which: 0 | 1): string =>
    Object.entries(PALETTE)
      .map(([name, colours]) => `--${name}:${colours[which]}`)
      .join(';')
  return `:root{${side(0)}}@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${side(1)}}}:root[data-theme=dark]{${side(1)}}`
}
