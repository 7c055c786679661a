/**
 * The part of the page's script that draws lanes, bars and axis. Plain JavaScript as text: it runs in a browser and shares nothing with us.
 *
 * Reads `S` (the story), `V` (what is shown); writes nothing but pixels. Every thing that can be hovered is put into `hits`
 * while it is drawn, so that what is seen and what is found never differ. Messages and marks: `page-messages.ts`;
 * legend and overview: `page-legend.ts`.
 */
export const DRAW = `
'use strict'
const S = JSON.parse(document.getElementById('story').textContent)
const V = { from: S.window.fromMs, to: S.window.toMs, election: -1, routine: false, replies: true, copies: false, labels: true }
const LEFT = 64, RIGHT = 18, TOP = 56, FOOT = 74
const FONT = 'ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif'
const canvas = document.getElementById('picture')
const overview = document.getElementById('overview')
let colours = {}
let hits = []
let hot = null
let L = null
const readColours = () => {
  const style = getComputedStyle(document.documentElement)
  colours = new Proxy({}, { get: (cache, name) => (cache[name] ??= style.getPropertyValue('--' + name).trim() || '#888') })
}
const ms = (x) => (Math.round(x * 10) / 10).toLocaleString('en') + ' ms'
const shownElections = () => (V.election < 0 ? S.elections : [S.elections[V.election]])
const colourOf = (name) => colours['e' + (S.elections.indexOf(name) % 4)]
const isShown = (name) => V.election < 0 || S.elections[V.election] === name
const overlapsView = (one) => one.fromMs < V.to && one.toMs > V.from

function layout(width, height) {
  const count = shownElections().length
  const bar = count > 2 ? 12 : 18
  const stack = Math.max(1, count) * (bar + 2) - 2
  const n = S.nodes.length
  const pitch = Math.max(stack + 34, Math.min(220, (height - TOP - FOOT - stack - 16) / Math.max(1, n - 1)))
  const y = (i) => TOP + stack / 2 + 8 + i * pitch
  const scale = (width - LEFT - RIGHT) / (V.to - V.from)
  return { width, bar, stack, pitch, y, scale, bottom: y(n - 1) + stack / 2 + 8, x: (at) => LEFT + (at - V.from) * scale }
}

function prepare(target, height) {
  const width = target.clientWidth || 800
  const ratio = globalThis.devicePixelRatio || 1
  target.style.height = height + 'px'
  target.width = Math.round(width * ratio)
  target.height = Math.round(height * ratio)
  const g = target.getContext('2d')
  g.setTransform(ratio, 0, 0, ratio, 0, 0)
  g.clearRect(0, 0, width, height)
  return { g, width }
}

function draw() {
  const room = canvas.parentElement.clientHeight || 500
  const count = shownElections().length
  const least = TOP + FOOT + S.nodes.length * (Math.max(1, count) * (count > 2 ? 14 : 20) + 34)
  const height = Math.max(room, least)
  const { g, width } = prepare(canvas, height)
  L = layout(width, height)
  hits = []
  g.font = '11px ' + FONT
  drawAxis(g)
  drawLanes(g)
  drawCuts(g)
  const text = drawMessages(g)
  drawRoles(g)
  drawLeases(g)
  drawOverlaps(g)
  const taken = []
  const marks = drawMarks(g, taken)
  if (V.labels) drawLabels(g, marks.concat(text), taken)
  g.fillStyle = colours.page
  g.fillRect(0, 0, LEFT - 1, height)
  g.fillRect(width - RIGHT + 1, 0, RIGHT, height)
  g.fillStyle = colours.text
  g.font = '650 17px ' + FONT
  g.textAlign = 'center'
  S.nodes.forEach((node, i) => g.fillText(node, 32, L.y(i) + 6))
  g.textAlign = 'left'
  drawHot(g)
  drawLegend(g, L.bottom + 54)
  drawOverview()
}

function drawAxis(g) {
  const raw = (V.to - V.from) / Math.max(3, L.width / 130)
  const power = 10 ** Math.floor(Math.log10(raw))
  const unit = [1, 2, 5, 10].map((f) => f * power).find((step) => step >= raw)
  g.strokeStyle = colours.grid
  g.fillStyle = colours.soft
  g.textAlign = 'center'
  for (let at = Math.ceil(V.from / unit) * unit; at <= V.to; at += unit) {
    const x = L.x(at)
    line(g, x, TOP - 12, x, L.bottom + 12)
    if (x > LEFT + 20 && x < L.width - 50) {
      const label = unit >= 1000 ? (at / 1000).toLocaleString('en') + ' s' : (Math.round(at * 1000) / 1000).toLocaleString('en') + ' ms'
      g.fillText(label, x, L.bottom + 27)
    }
  }
  g.textAlign = 'left'
}

function line(g, x1, y1, x2, y2) {
  g.beginPath()
  g.moveTo(x1, y1)
  g.lineTo(x2, y2)
  g.stroke()
}

function hatch(g, x, y, w, h, colour = colours.down) {
  g.save()
  g.beginPath()
  g.rect(x, y, w, h)
  g.clip()
  g.strokeStyle = colour
  g.lineWidth = 2
  g.beginPath()
  const end = Math.min(x + w, L.width) + h
  for (let at = Math.floor((Math.max(x, LEFT) - h) / 8) * 8; at < end; at += 8) {
    g.moveTo(at, y + h)
    g.lineTo(at + h, y)
  }
  g.stroke()
  g.restore()
}

const boxOf = (one) => [L.x(Math.max(one.fromMs, V.from)), Math.max(1.5, L.x(Math.min(one.toMs, V.to)) - L.x(Math.max(one.fromMs, V.from)))]

function drawLanes(g) {
  const h = L.stack + 14
  S.nodes.forEach((node, i) => {
    const top = L.y(i) - h / 2
    hatch(g, LEFT, top, L.width - LEFT - RIGHT, h)
    hits.push({ x: LEFT, y: top, w: L.width - LEFT - RIGHT, h, depth: 0, tip: ['<b>' + node + ' is down</b>'] })
    for (const life of S.lives) {
      if (life.node !== node || !overlapsView(life)) continue
      const [x, w] = boxOf(life)
      g.fillStyle = colours.lane
      g.fillRect(x, top, w, h)
      g.strokeStyle = colours.line
      g.lineWidth = 1.5
      line(g, x, L.y(i), x + w, L.y(i))
      const end = life.how === 'running' ? 'runs to the end' : life.how + ' at ' + ms(life.toMs)
      hits.push({ x, y: top, w, h, depth: 1, tip: ['<b>' + node + ', life ' + life.life + '</b>', 'from ' + ms(life.fromMs) + ', ' + end] })
    }
    for (const still of S.stills) {
      if (still.node !== node || !overlapsView(still)) continue
      const [x, w] = boxOf(still)
      g.globalAlpha = 0.42
      g.fillStyle = colours[still.kind]
      g.fillRect(x, top, w, h)
      g.globalAlpha = 1
      const what = still.kind === 'pause' ? 'stands still: its loop runs nothing' : 'asleep: the whole host'
      hits.push({ x, y: top, w, h, depth: 2, tip: ['<b>' + node + ' ' + what + '</b>', ms(still.fromMs) + ' to ' + ms(still.toMs) + ' (' + ms(still.toMs - still.fromMs) + ')'] })
    }
  })
  g.lineWidth = 1
}

function drawCuts(g) {
  const rows = []
  for (const cut of S.cuts) {
    if (!overlapsView(cut)) continue
    const [x, w] = boxOf(cut)
    let row = rows.findIndex((end) => end < x)
    if (row < 0) row = rows.length < 4 ? rows.length : 3
    rows[row] = x + w + 2
    const y = TOP - 16 - row * 8
    g.fillStyle = colours.cut
    g.fillRect(x, y, w, 4)
    hits.push({ x, y: y - 3, w, h: 10, depth: 6, tip: ['<b>cut ' + cut.text + '</b>', ms(cut.fromMs) + ' to ' + ms(cut.toMs)] })
  }
}

const barTop = (node, election) => L.y(S.nodes.indexOf(node)) - L.stack / 2 + shownElections().indexOf(election) * (L.bar + 2)

function rounded(g, x, y, w, h, r) {
  g.beginPath()
  g.roundRect(x, y, w, h, Math.min(r, w / 2))
}

function drawRoles(g) {
  for (const role of S.roles) {
    if (!isShown(role.election) || !overlapsView(role)) continue
    const [x, w] = boxOf(role)
    const y = barTop(role.node, role.election) + 3
    rounded(g, x, y, w, L.bar - 6, 2)
    g.fillStyle = g.strokeStyle = colourOf(role.election)
    g.globalAlpha = role.role === 'candidate' ? 0.34 : 0.12
    g.fill()
    g.globalAlpha = 1
    g.setLineDash(role.role === 'candidate' ? [] : [2, 2])
    g.stroke()
    g.setLineDash([])
    const what = role.role === 'candidate' ? 'stands for ' : 'asks whether it could win (pre-vote) '
    hits.push({ x, y, w, h: L.bar - 6, depth: 3, tip: ['<b>' + role.node + ' ' + what + role.election + '</b>', ms(role.fromMs) + ' to ' + ms(role.toMs)] })
  }
}

function drawLeases(g) {
  for (const lease of S.leases) {
    if (!isShown(lease.election) || !overlapsView(lease)) continue
    const y = barTop(lease.node, lease.election)
    const [x, w] = boxOf(lease)
    const colour = colourOf(lease.election)
    g.fillStyle = g.strokeStyle = colour
    rounded(g, x, y + 1, w, L.bar - 2, 3)
    g.globalAlpha = 0.22
    g.fill()
    g.globalAlpha = 1
    g.stroke()
    const last = lease.valid[lease.valid.length - 1]
    let labelled = false
    for (const span of lease.valid) {
      if (!overlapsView(span)) continue
      const [from, wide] = boxOf(span)
      g.fillStyle = colour
      rounded(g, from, y, wide, L.bar, 3)
      g.fill()
      const size = L.bar > 14 ? 11 : 9.5
      g.font = '650 ' + size + 'px ' + FONT
      const label = [lease.election + '  T' + lease.term, 'T' + lease.term].find((one) => g.measureText(one).width + 9 < wide)
      if (label && !labelled) {
        g.fillStyle = colours.onBar
        g.fillText(label, from + 5, y + L.bar / 2 + size * 0.36)
        labelled = true
      }
      g.font = '11px ' + FONT
    }
    hits.push({ x, y, w, h: L.bar, depth: 4, tip: [
      '<b>' + lease.node + ' leads ' + lease.election + '</b>',
      'term ' + lease.term + ', fencing token ' + lease.term,
      'won at ' + ms(lease.fromMs) + ', led for ' + ms(lease.toMs - lease.fromMs),
      last ? 'lease valid until ' + ms(last.toMs) + ' of true time' : 'its lease was never valid',
      lease.reason === null ? 'stands at the end of the run' : 'ended: ' + lease.reason + ', known at ' + ms(lease.toMs),
    ] })
  }
}

function drawOverlaps(g) {
  for (const one of S.overlaps) {
    if (!isShown(one.election) || !overlapsView(one)) continue
    const [x, w] = boxOf(one)
    const wide = Math.max(4, w)
    g.fillStyle = g.strokeStyle = colours.alarm
    g.globalAlpha = 0.1
    g.fillRect(x, TOP - 6, wide, L.bottom - TOP + 12)
    g.globalAlpha = 1
    g.strokeRect(x, TOP - 6, wide, L.bottom - TOP + 12)
    for (const node of one.nodes) {
      const y = barTop(node, one.election)
      g.fillStyle = colours.alarm
      g.fillRect(x, y, wide, L.bar)
      hatch(g, x, y, wide, L.bar, colours.page)
    }
    g.font = '600 12px ' + FONT
    g.fillStyle = colours.alarm
    if (wide > 60) g.fillText('two leases of ' + one.election, x + 2, TOP - 11)
    g.font = '11px ' + FONT
    hits.push({ x, y: TOP - 6, w: wide, h: L.bottom - TOP + 12, depth: 5, tip: ['<b>TWO LEASES of ' + one.election + '</b>', one.nodes.join(' and ') + ' for ' + ms(one.toMs - one.fromMs)] })
  }
}

function drawHot(g) {
  if (!hot) return
  if (hot.message) arrow(g, hot.message, hot.line, true)
  else if (hot.depth > 1) {
    g.strokeStyle = colours.text
    g.lineWidth = 1.5
    g.strokeRect(hot.x - 1, hot.y - 1, hot.w + 2, hot.h + 2)
  }
  g.lineWidth = 1
}
`
