/**
 * Sends parts through the real codec and back, as one connection would: what arrives is what the bytes say, not the object
 * that was sent.
 *
 * One per session and direction, because names travel once per connection (R70). A part that the codec refuses, or that
 * comes back changed in number, is a fault of the library and throws. Off by default: it costs more than everything else.
 */
import type { Part } from '../core/messages'
import { PartDecoder, PartEncoder } from '../wire'

/** One direction of one connection. */
export class WireCopy {
  /** Made for the first frame: it holds a buffer of a whole frame, and most sessions of a bad network carry none. */
  private encoder: PartEncoder | null = null
  private readonly decoder = new PartDecoder()

  /** @throws Error if a part does not survive the way. */
  copy(parts: readonly Part[]): readonly Part[] {
    const arrived: Part[] = []
    this.encoder ??= new PartEncoder()
    const refused = this.encoder.encode(parts, (body) => {
      const decoded = this.decoder.decode(body)
      if (!decoded.ok) throw new Error(`the decoder refuses what the encoder wrote: ${decoded.reason}`)
      arrived.push(...decoded.value)
    })
    if (refused > 0 || arrived.length !== parts.length) {
      throw new Error(`${parts.length} parts were sent, ${arrived.length} arrived: ${JSON.stringify(parts)}`)
    }
    return arrived
  }
}
