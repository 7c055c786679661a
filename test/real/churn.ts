/** A main thread that is busy with its garbage: a live heap of a given size, a part of which is replaced all the time. For benches. */

/** So much a cell takes, with its text and its inner object, bytes. */
const CELL_BYTES = 200
/** Cells replaced per turn of the event loop. */
const TURN = 20_000

interface Cell {
  readonly i: number
  readonly text: string
  readonly inner: { readonly i: number }
}

const cell = (i: number): Cell => ({ i, text: `x${i}`, inner: { i } })

/** Churns until the function that it returns is called. */
export function churn(heapMb: number): () => void {
  const size = Math.round((heapMb * 2 ** 20) / CELL_BYTES)
  const live: Cell[] = []
  let next = 0
  let goesOn = true
  const turn = (): void => {
    for (let i = 0; i < TURN; i++) {
      live[next % size] = cell(next)
      next += 1
    }
    if (goesOn) setImmediate(turn)
    else live.length = 0
  }
  turn()
  return () => {
    goesOn = false
  }
}
