/**
 * The half of the page's script that listens: wheel, drag, keys, filters, hovering. Plain JavaScript as text, behind
 * `page-draw.ts`, whose names it uses.
 */
export const SCRIPT = String.raw`
const tip = document.getElementById('tip')
const byId = (id) => document.getElementById(id)
let planned = false
const later = () => {
  if (planned) return
  planned = true
  requestAnimationFrame(() => {
    planned = false
    draw()
    byId('range').textContent = ms(V.from) + ' to ' + ms(V.to) + ' (' + ms(V.to - V.from) + ')'
  })
}

function show(from, to) {
  const span = Math.min(S.endMs, Math.max(0.5, to - from))
  V.from = Math.min(Math.max(0, from), S.endMs - span)
  V.to = V.from + span
  hover(null)
  later()
  try {
    history.replaceState(null, '', '#' + V.from.toFixed(1) + '-' + V.to.toFixed(1))
  } catch {}
}

const timeAt = (x) => V.from + (x - LEFT) / L.scale
function zoom(factor, at = (V.from + V.to) / 2) {
  show(at - (at - V.from) * factor, at + (V.to - at) * factor)
}
const pan = (share) => show(V.from + (V.to - V.from) * share, V.to + (V.to - V.from) * share)

function distance([x1, y1, x2, y2], x, y) {
  const dx = x2 - x1, dy = y2 - y1
  const s = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)))
  return Math.hypot(x - x1 - s * dx, y - y1 - s * dy)
}

function hit(x, y) {
  let best = null
  let nearest = 6
  for (const one of hits) {
    if (one.line) {
      const far = distance(one.line, x, y)
      if (far < nearest && (best === null || one.depth >= best.depth || best.depth < 7)) {
        best = one
        nearest = far
      }
    } else if (x >= one.x && x <= one.x + one.w && y >= one.y && y <= one.y + one.h && (best === null || one.depth >= best.depth)) best = one
  }
  return best
}

function hover(one, event) {
  if (one !== hot) {
    hot = one
    later()
  }
  canvas.title = ''
  tip.hidden = one === null || one.depth === 0 && !one.tip
  if (one === null) return
  tip.innerHTML = (one.message ? sentence(one.message) : one.tip).join('<br>')
  const box = tip.getBoundingClientRect()
  tip.style.left = Math.max(4, Math.min(event.clientX + 16, innerWidth - box.width - 8)) + 'px'
  tip.style.top = (event.clientY + 20 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 20) + 'px'
}

const place = (event, target) => {
  const box = target.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top]
}

canvas.addEventListener('wheel', (event) => {
  event.preventDefault()
  const [x] = place(event, canvas)
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1200)
  else zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 200), timeAt(x))
}, { passive: false })

let drag = null
canvas.addEventListener('pointerdown', (event) => {
  drag = { x: event.clientX, from: V.from, to: V.to }
  canvas.setPointerCapture?.(event.pointerId)
  canvas.classList.add('drag')
})
canvas.addEventListener('pointermove', (event) => {
  if (drag) {
    const by = (drag.x - event.clientX) / L.scale
    show(drag.from + by, drag.to + by)
    return
  }
  const [x, y] = place(event, canvas)
  hover(x < LEFT ? null : hit(x, y), event)
})
const drop = () => {
  drag = null
  canvas.classList.remove('drag')
}
canvas.addEventListener('pointerup', drop)
canvas.addEventListener('pointercancel', drop)
canvas.addEventListener('pointerleave', () => hover(null))
canvas.addEventListener('dblclick', (event) => zoom(0.3, timeAt(place(event, canvas)[0])))

let brush = null
const timeInAll = (event) => Math.max(0, Math.min(1, (place(event, overview)[0] - LEFT) / (overview.clientWidth - LEFT - RIGHT))) * S.endMs
overview.addEventListener('pointerdown', (event) => {
  brush = { at: timeInAll(event), moved: false }
  overview.setPointerCapture?.(event.pointerId)
})
overview.addEventListener('pointermove', (event) => {
  if (!brush) return
  const at = timeInAll(event)
  if (Math.abs(at - brush.at) > S.endMs / 400) brush.moved = true
  if (brush.moved) show(Math.min(at, brush.at), Math.max(at, brush.at))
})
overview.addEventListener('pointerup', (event) => {
  const half = (V.to - V.from) / 2
  if (brush && !brush.moved) show(timeInAll(event) - half, timeInAll(event) + half)
  brush = null
})

const changes = [...new Set([...S.leases.map((one) => one.fromMs), ...S.leases.filter((one) => one.reason !== null).map((one) => one.toMs), ...S.overlaps.map((one) => one.fromMs), ...S.broken.map((one) => one.atMs)])].sort((a, b) => a - b)
function jump(direction) {
  const middle = (V.from + V.to) / 2
  const next = direction > 0 ? changes.find((at) => at > middle + 0.5) : changes.findLast((at) => at < middle - 0.5)
  const half = Math.min(V.to - V.from, 4 * S.promiseMs) / 2
  if (next !== undefined) show(next - half, next + half)
}

function toggle(name) {
  V[name] = !V[name]
  byId(name).checked = V[name]
  later()
}
for (const name of ['routine', 'replies', 'copies', 'labels']) {
  byId(name).checked = V[name]
  byId(name).addEventListener('change', () => {
    V[name] = byId(name).checked
    later()
  })
}
S.elections.forEach((name, i) => byId('election').add(new Option(name, String(i))))
byId('election').addEventListener('change', () => {
  V.election = byId('election').value === '' ? -1 : Number(byId('election').value)
  later()
})
function theme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const now = document.documentElement.dataset.theme || (dark ? 'dark' : 'light')
  document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark'
  readColours()
  later()
}
const whole = () => show(0, S.endMs)
const ACTIONS = {
  '+': () => zoom(0.6), '=': () => zoom(0.6), '-': () => zoom(1 / 0.6), 0: whole, Home: () => show(0, V.to - V.from),
  ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), ArrowUp: () => zoom(0.6), ArrowDown: () => zoom(1 / 0.6),
  n: () => jump(1), p: () => jump(-1), h: () => toggle('routine'), l: () => toggle('labels'), t: theme,
}
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLSelectElement) return
  const action = ACTIONS[event.key]
  if (!action) return
  event.preventDefault()
  action()
})
byId('in').onclick = () => zoom(0.6)
byId('out').onclick = () => zoom(1 / 0.6)
byId('fit').onclick = whole
byId('next').onclick = () => jump(1)
byId('previous').onclick = () => jump(-1)
byId('theme').onclick = theme
byId('keys').innerHTML = 'wheel or <kbd>+</kbd> <kbd>-</kbd> zoom &nbsp; drag or <kbd>&#8592;</kbd> <kbd>&#8594;</kbd> move &nbsp; <kbd>n</kbd> <kbd>p</kbd> next change &nbsp; <kbd>0</kbd> all &nbsp; <kbd>h</kbd> heartbeats &nbsp; hover for details'

const wanted = /^#([\d.]+)-([\d.]+)$/.exec(location.hash)
if (wanted) {
  V.from = Math.max(0, Number(wanted[1]))
  V.to = Math.max(V.from + 0.5, Math.min(S.endMs, Number(wanted[2])))
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  readColours()
  later()
})
addEventListener('resize', later)
if (S.messages.filter((m) => m[5] & 1).length < 400) toggle('routine')
readColours()
later()
globalThis.picture = { V, S, hit, show, zoom, jump, draw }
`
