/** The part of the page's script that draws the legend, and the whole run below. Plain JavaScript as text; see `page-draw.ts`. */
export const LEGEND = `
function drawLegend(g, y) {
  let x = LEFT
  g.font = '11.5px ' + FONT
  const entry = (wide, text, paint) => {
    const all = wide + g.measureText(text).width + 24
    if (x + all > L.width) return
    paint(x, y)
    g.fillStyle = colours.soft
    g.fillText(text, x + wide + 6, y + 4)
    x += all
  }
  const box = (colour, alpha, edge) => (at, mid) => {
    g.fillStyle = g.strokeStyle = colour
    g.globalAlpha = alpha
    g.fillRect(at, mid - 6, 24, 12)
    g.globalAlpha = 1
    if (edge) g.strokeRect(at, mid - 6, 24, 12)
  }
  const ray = (flags) => (at, mid) => arrow(g, [0, 0, 0, 0, 0, flags, 0, -1], [at, mid, at + 26, mid], false)
  for (const name of shownElections()) entry(24, name + ': lease valid', box(colourOf(name), 1, true))
  entry(0, 'T3 = term 3 = token 3', () => {})
  entry(24, 'stands for election', box(colourOf(shownElections()[0]), 0.34, true))
  entry(26, 'request', ray(0))
  entry(26, 'answer', ray(2))
  entry(26, 'heartbeat', ray(1))
  entry(8, 'lost', (at, mid) => {
    g.strokeStyle = colours.alarm
    g.lineWidth = 1.6
    line(g, at, mid - 3, at + 6, mid + 3)
    line(g, at + 6, mid - 3, at, mid + 3)
    g.lineWidth = 1
  })
  entry(24, 'down', (at, mid) => hatch(g, at, mid - 6, 24, 12))
  entry(24, 'paused', box(colours.pause, 0.42))
  entry(24, 'asleep', box(colours.suspend, 0.42))
  entry(24, 'cut', (at, mid) => {
    g.fillStyle = colours.cut
    g.fillRect(at, mid - 2, 24, 4)
  })
}

function drawOverview() {
  const { g, width } = prepare(overview, 58)
  const x = (at) => LEFT + (at / S.endMs) * (width - LEFT - RIGHT)
  const h = 46 / S.nodes.length
  S.nodes.forEach((node, i) => {
    const y = 6 + i * h
    g.fillStyle = colours.down
    g.fillRect(LEFT, y + h / 2 - 0.5, width - LEFT - RIGHT, 1)
    for (const still of S.stills) if (still.node === node) {
      g.fillStyle = colours[still.kind]
      g.globalAlpha = 0.5
      g.fillRect(x(still.fromMs), y, Math.max(1, x(still.toMs) - x(still.fromMs)), h - 1)
      g.globalAlpha = 1
    }
    for (const lease of S.leases) if (lease.node === node && isShown(lease.election)) {
      g.fillStyle = colourOf(lease.election)
      for (const span of lease.valid) g.fillRect(x(span.fromMs), y, Math.max(1, x(span.toMs) - x(span.fromMs)), Math.max(2, h - 2))
    }
  })
  g.fillStyle = colours.alarm
  for (const one of S.overlaps) g.fillRect(x(one.fromMs), 2, Math.max(2, x(one.toMs) - x(one.fromMs)), 54)
  for (const one of S.broken) g.fillRect(x(one.atMs) - 1, 2, 2, 54)
  g.fillStyle = colours.page
  g.globalAlpha = 0.62
  g.fillRect(LEFT, 0, x(V.from) - LEFT, 58)
  g.fillRect(x(V.to), 0, width - RIGHT - x(V.to), 58)
  g.globalAlpha = 1
  g.strokeStyle = colours.text
  g.strokeRect(x(V.from) + 0.5, 1.5, Math.max(3, x(V.to) - x(V.from)) - 1, 55)
}
`
