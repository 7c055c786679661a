/** What the random walks draw from: a small generator with a seed, so that a walk that fails can be named. */

/** Numbers from 0 to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let x = (seed * 2654435761) | 0 || 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 4294967296
  }
}
