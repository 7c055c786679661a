/**
 * The part of the page's script that draws messages, marks and labels. Plain JavaScript as text, between `page-draw.ts`,
 * whose names it uses, and `page-script.ts`.
 *
 * A packed message is [from, to, sent, read or -1, lost or -1, flags, text, reason of loss or -1, elections...]; see `page.ts`.
 */
export const MESSAGES = String.raw`
function kindOf(flags) {
  return flags & 8 ? 'replay' : flags & 1 ? 'routine' : flags & 2 ? 'reply' : 'ask'
}

function visible() {
  const all = []
  let routine = 0
  for (const m of S.messages) {
    const end = m[3] >= 0 ? m[3] : m[4] >= 0 ? m[4] : m[2]
    if (m[2] > V.to || end < V.from) continue
    if (!V.replies && m[5] & 2 && !(m[5] & 1)) continue
    if (!V.copies && m[5] & 12) continue
    if (!V.routine && m[5] & 1) continue
    if (V.election >= 0 && !(m[5] & 1) && m.length > 8 && m.indexOf(V.election, 8) < 0) continue
    if (m[5] & 1) routine += 1
    all.push(m)
  }
  const crowded = routine > 6000
  return { list: crowded ? all.filter((m) => !(m[5] & 1)) : all, crowded }
}

function ends(m) {
  const down = m[1] > m[0] ? 1 : -1
  const y1 = L.y(m[0]) + down * (L.stack / 2 + 1)
  const y2 = L.y(m[1]) - down * (L.stack / 2 + 1)
  const x1 = L.x(m[2])
  if (m[3] >= 0) return [x1, y1, L.x(m[3]), y2]
  if (m[4] > m[2]) return [x1, y1, L.x(m[4]), y2]
  return m[4] < 0 ? [x1, y1, L.x(S.endMs), y2] : [x1, y1, x1 + 6, y1 + (y2 - y1) * 0.42]
}

function arrow(g, m, e, strong) {
  const kind = kindOf(m[5])
  const [x1, y1, x2, y2] = e
  g.strokeStyle = g.fillStyle = colours[kind]
  g.lineWidth = strong ? 2.6 : kind === 'routine' ? 0.7 : 1.2
  g.setLineDash(kind === 'reply' ? [5, 3] : kind === 'replay' ? [1.5, 3] : [])
  line(g, x1, y1, x2, y2)
  g.setLineDash([])
  if (m[7] >= 0) {
    g.strokeStyle = colours.alarm
    g.lineWidth = 1.6
    line(g, x2 - 3, y2 - 3, x2 + 3, y2 + 3)
    line(g, x2 + 3, y2 - 3, x2 - 3, y2 + 3)
    return
  }
  const length = Math.hypot(x2 - x1, y2 - y1)
  if (length < 4) return
  const ux = (x2 - x1) / length, uy = (y2 - y1) / length
  const s = kind === 'routine' ? 4 : strong ? 9 : 6.5
  g.beginPath()
  g.moveTo(x2, y2)
  g.lineTo(x2 - s * ux - s * 0.42 * uy, y2 - s * uy + s * 0.42 * ux)
  g.lineTo(x2 - s * ux + s * 0.42 * uy, y2 - s * uy - s * 0.42 * ux)
  g.fill()
}

function sentence(m) {
  const fate = m[7] >= 0 ? 'lost: ' + S.texts[m[7]] : m[3] >= 0 ? 'read at ' + ms(m[3]) + ' (' + ms(m[3] - m[2]) + ')' : 'under way at the end'
  const again = m[5] & 8 ? '<i>a replay of an old frame</i>' : m[5] & 4 ? '<i>a duplicate</i>' : ''
  const parts = S.texts[m[6]].split('; ').map((part) => part.replace(/[&<>]/g, ''))
  return ['<b>' + S.nodes[m[0]] + ' &#8594; ' + S.nodes[m[1]] + '</b> ' + again, ...parts, '<i>sent at ' + ms(m[2]) + ', ' + fate + '</i>']
}

function short(m) {
  const parts = S.texts[m[6]].split('; ').filter((part) => !/^(heartbeat|probe|ack) /.test(part))
  const first = parts[0] || ''
  const kind = first.split(' ')[0]
  const term = (/\bT\d+/.exec(first) || [''])[0]
  const answer = (/\b(yes|no\b[^,;]*)/.exec(first.slice(kind.length)) || [''])[0]
  const name = { requestVote: 'vote?', preVote: 'pre-vote?', voteReply: '', preVoteReply: '' }[kind] ?? kind
  return [name, answer || term].filter(Boolean).join(' ') + (parts.length > 1 ? ' +' + (parts.length - 1) : '')
}

function drawMessages(g) {
  const { list, crowded } = visible()
  document.getElementById('note').textContent = crowded ? 'too many heartbeats to draw: zoom in' : ''
  const faint = Math.max(0.12, Math.min(1, 300 / Math.max(1, list.length)))
  const labels = []
  for (const pass of [1, 0]) {
    for (const m of list) {
      if ((m[5] & 1) !== pass) continue
      const e = ends(m)
      g.globalAlpha = pass ? Math.min(0.9, faint * 1.5) : Math.max(0.14, faint)
      arrow(g, m, e, false)
      hits.push({ line: e, depth: pass ? 7 : 8, message: m })
      if (!pass && !(m[5] & 12) && list.length < 260) labels.push({ text: short(m), e, colour: colours[kindOf(m[5])] })
    }
  }
  g.globalAlpha = 1
  g.lineWidth = 1
  return labels
}

function drawMarks(g, taken) {
  const labels = []
  for (const mark of S.marks) {
    if (mark.atMs < V.from || mark.atMs > V.to) continue
    const x = L.x(mark.atMs)
    const nodes = mark.nodes.length > 0 ? mark.nodes : [null]
    for (const node of nodes) {
      const top = node === null ? TOP - 4 : L.y(S.nodes.indexOf(node)) - L.stack / 2 - 7
      const bottom = node === null ? L.bottom : top + L.stack + 14
      g.strokeStyle = g.fillStyle = node === null ? colours.soft : colours.text
      g.setLineDash([2, 2])
      line(g, x, top, x, bottom)
      g.setLineDash([])
      sign(g, mark.kind, x, top - 6)
      hits.push({ x: x - 6, y: top - 13, w: 12, h: 14, depth: 9, tip: ['<b>' + mark.text.replace(/[&<>]/g, '') + '</b>', 'at ' + ms(mark.atMs)] })
      const plain = mark.kind === 'quality' ? 'links change' : mark.text
      const word = (node === null ? plain : plain.replace('of ' + node + ' ', '').replace(node + ' ', '')).replace(/^the /, '')
      taken.push([x - 6, top - 12, 12])
      labels.push({ text: word.length > 34 ? word.slice(0, 33) + '…' : word, at: [x + 8, top - 2], colour: colours.text })
    }
  }
  for (const one of S.broken) {
    if (one.atMs < V.from || one.atMs > V.to) continue
    g.strokeStyle = g.fillStyle = colours.alarm
    g.lineWidth = 2
    const x = L.x(one.atMs)
    line(g, x, TOP - 10, x, L.bottom + 10)
    g.lineWidth = 1
    labels.unshift({ text: one.property, at: [x - 6, L.bottom + 10], colour: colours.alarm, end: true })
    hits.push({ x: x - 5, y: TOP - 10, w: 10, h: L.bottom - TOP + 20, depth: 9, tip: ['<b>' + one.property + ' broke</b>', one.text.replace(/[&<>]/g, '')] })
  }
  return labels
}

function sign(g, kind, x, y) {
  g.beginPath()
  if (kind === 'crash') {
    g.lineWidth = 2.6
    line(g, x - 4, y - 4, x + 4, y + 4)
    line(g, x + 4, y - 4, x - 4, y + 4)
    g.lineWidth = 1
    return
  }
  if (kind === 'stop') g.rect(x - 4, y - 4, 8, 8)
  else if (kind === 'start') poly(g, [x - 4, y + 4, x, y - 4, x + 4, y + 4])
  else if (kind === 'disk' || kind === 'clock') poly(g, [x, y - 5, x + 4, y, x, y + 5, x - 4, y])
  else g.arc(x, y, 3, 0, 7)
  g.fill()
}

function poly(g, p) {
  g.moveTo(p[0], p[1])
  for (let i = 2; i < p.length; i += 2) g.lineTo(p[i], p[i + 1])
  g.closePath()
}

function drawLabels(g, labels, taken) {
  g.font = '10.5px ' + FONT
  g.lineJoin = 'round'
  for (const one of labels) {
    if (!one.text) continue
    const w = g.measureText(one.text).width + 2
    const places = one.at ? [one.at] : [0.5, 0.35, 0.65, 0.2].map((s) => [one.e[0] + (one.e[2] - one.e[0]) * s + 4, one.e[1] + (one.e[3] - one.e[1]) * s + 4])
    for (const [at, y] of places) {
      const x = one.end ? at - w : at
      if (x < LEFT || x + w > L.width - RIGHT) continue
      if (one.e && S.nodes.some((_, i) => Math.abs(y - 4 - L.y(i)) < L.stack / 2 + 14)) continue
      if (taken.some((b) => x < b[0] + b[2] && b[0] < x + w && y - 10 < b[1] + 11 && b[1] < y + 1)) continue
      taken.push([x, y - 10, w])
      g.strokeStyle = colours.page
      g.lineWidth = 3
      g.strokeText(one.text, x, y)
      g.fillStyle = one.colour
      g.fillText(one.text, x, y)
      break
    }
  }
  g.lineWidth = 1
  g.font = '11px ' + FONT
}
`
