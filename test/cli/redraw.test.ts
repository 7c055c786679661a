/**
 * Goal: `conclave watch` leads a terminal from one picture to the next and writes no line that has not changed. Method: a
 * small terminal that understands the codes that are used, and refuses others; random pictures.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitted, redraw } from '../../src/cli/redraw'

const ESCAPE = String.fromCharCode(27)
const CODE = new RegExp(`^${ESCAPE}\\[(\\d*)([ABJK])`)
const TEXT = new RegExp(`^[^${ESCAPE}\\n]*`)

/** Rows of a terminal; the cursor is always at the beginning of one. */
class Screen {
  readonly rows: string[] = ['']
  at = 0
  written = 0

  write(text: string): void {
    let rest = text
    let column = 0
    while (rest !== '') {
      const code = CODE.exec(rest)
      if (code !== null) {
        const count = Number(code[1] || 1)
        if (code[2] === 'A') this.at -= count
        else if (code[2] === 'B') this.at += count
        else if (code[2] === 'K') this.rows[this.at] = (this.rows[this.at] ?? '').slice(0, column)
        else {
          this.rows.length = this.at + 1
          this.rows[this.at] = ''
        }
        if (this.at < 0 || this.at >= this.rows.length) throw new Error('the cursor left the screen')
        rest = rest.slice(code[0].length)
        continue
      }
      const [line = ''] = TEXT.exec(rest) ?? []
      if (line !== '') {
        const old = this.rows[this.at] ?? ''
        this.rows[this.at] = old.slice(0, column) + line + old.slice(column + line.length)
        column += line.length
        this.written += 1
        rest = rest.slice(line.length)
        continue
      }
      if (rest[0] !== '\n') throw new Error('an unknown control code')
      this.at += 1
      column = 0
      if (this.at === this.rows.length) this.rows.push('')
      rest = rest.slice(1)
    }
  }
}

const picture = fc.array(fc.constantFrom('a', 'bb', 'ccc', 'dddd'), { maxLength: 6 })

describe('conclave watch on a terminal', () => {
  it('the picture after any change is the one that was meant, and the cursor is below it', () => {
    fc.assert(
      fc.property(fc.array(picture, { minLength: 1, maxLength: 6 }), (pictures) => {
        const screen = new Screen()
        let before: string[] = []
        for (const after of pictures) {
          screen.write(redraw(before, after))
          expect(screen.rows).toEqual([...after, ''])
          expect(screen.at).toBe(after.length)
          before = after
        }
      }),
    )
  })

  it('lines that are as they were are not written again', () => {
    const screen = new Screen()
    screen.write(redraw([], ['one', 'two', 'three']))
    screen.written = 0
    screen.write(redraw(['one', 'two', 'three'], ['one', '2', 'three']))
    expect([screen.written, screen.rows]).toEqual([1, ['one', '2', 'three', '']])
    expect(redraw(['one'], ['one'])).toBe('')
  })

  it('what does not fit is cut, and the last line says how much is missing', () => {
    const lines = ['x'.repeat(30), 'b', 'c', 'd']
    expect(fitted(lines, { columns: 20, rows: 4 })).toEqual(['x'.repeat(19), 'b', '... 2 more lines'])
    expect(fitted(lines, { columns: 80, rows: 24 })).toEqual(lines)
  })
})
