/**
 * Draws a run as one HTML page to zoom and hover in: a single file, which loads nothing and sends nothing.
 *
 * The page holds the story as JSON and the script that draws it on a canvas (`page-draw.ts`, `page-messages.ts`,
 * `page-legend.ts`, `page-script.ts`), so that a minute of seven processes stays fluent. Light and dark, by keyboard as by mouse. Read next: `svg.ts` (static).
 */
import { DRAW } from './page-draw'
import { LEGEND } from './page-legend'
import { MESSAGES } from './page-messages'
import { SCRIPT } from './page-script'
import { PAGE_STYLE } from './page-style'
import { paletteCss } from './palette'
import type { Message, Story } from './story'
import { escapeText } from './svg-tools'
import { type WindowChoice, windowOf } from './window'

/** Bits of the flags of a packed message. */
const FLAGS = { routine: 1, reply: 2, duplicate: 4, replay: 8 } as const

/** The page of a story, as the text of an HTML file; opens at the window that is given, or at the interesting part. */
export function drawPage(story: Story, choice: WindowChoice = {}): string {
  const data = JSON.stringify({ ...pack(story), window: windowOf(story, choice) }).replaceAll('<', '\\u003c')
  const [violation] = story.broken
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeText(story.title)}</title>
<style>${paletteCss()}${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeText(story.title)}</h1>
<code title="makes this picture again">${escapeText(story.command)}</code>
${violation === undefined ? '' : `<p class="bad">${escapeText(`${violation.property}: ${violation.text}`)}</p>`}
</header>
<nav>
<label>election <select id="election"><option value="">all</option></select></label>
<label><input type="checkbox" id="routine"> heartbeats</label>
<label><input type="checkbox" id="replies" checked> answers</label>
<label><input type="checkbox" id="copies"> duplicates and replays</label>
<label><input type="checkbox" id="labels" checked> labels</label>
<span class="gap"></span>
<button id="previous" title="previous change (p)">&#8592; change</button><button id="next" title="next change (n)">change &#8594;</button>
<button id="in" title="zoom in (+)">+</button><button id="out" title="zoom out (-)">&#8722;</button><button id="fit" title="whole run (0)">whole run</button>
<button id="theme" title="light or dark (t)">&#9680;</button>
</nav>
<main><canvas id="picture" tabindex="0" aria-label="space-time picture of the run"></canvas><div id="tip" hidden></div></main>
<canvas id="overview" aria-label="the whole run"></canvas>
<footer><span id="keys"></span><span id="note"></span><span id="range"></span></footer>
<script type="application/json" id="story">${data}</script>
<script>${DRAW}${MESSAGES}${LEGEND}${SCRIPT}</script>
</body>
</html>
`
}

/** Three digits behind the point: what nobody can see need not be in the file. */
const short = (ms: number | null): number => (ms === null ? -1 : Math.round(ms * 1000) / 1000)

/** The story with its messages as lists of numbers over a table of texts: a tenth of the size. */
function pack(story: Story): object {
  const texts = new Map<string, number>()
  const indexOf = (text: string): number => {
    const known = texts.get(text)
    if (known !== undefined) return known
    texts.set(text, texts.size)
    return texts.size - 1
  }
  const flagsOf = ({ routine, reply, again }: Message): number =>
    (routine ? FLAGS.routine : 0) +
    (reply ? FLAGS.reply : 0) +
    (again === 'duplicate' ? FLAGS.duplicate : again === 'replay' ? FLAGS.replay : 0)
  const messages = story.messages.map((message) => [
    ...[story.nodes.indexOf(message.from), story.nodes.indexOf(message.to)],
    ...[short(message.sentMs), short(message.arrivedMs), short(message.lostMs)],
    ...[flagsOf(message), indexOf(message.text), message.lost === null ? -1 : indexOf(message.lost)],
    ...message.elections.map((election) => story.elections.indexOf(election)),
  ])
  return { ...story, messages, texts: [...texts.keys()] }
}
