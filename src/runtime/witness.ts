/**
 * The witness of a life, as the process itself sees it (R55): who it is, and when it learns what.
 *
 * Under `conclave run` that is the supervisor, from the start on; with `sentinel: true` a child of this process, from its
 * first leadership on; otherwise there is none, and time decides. Either gets the testament through a pipe, meets the peers
 * from the first leadership on, and is dismissed when the life has ended in order. Decides nothing about elections; whoever
 * has no witness is as safe, only slower. Read next: `sentinel.ts`, `supervisor.ts`, `life-key.ts` (why nobody else can speak).
 */
import type { Greeting } from '../ports/transport'
import type { Testament, WitnessLine } from '../ports/witness'
import type { LifeConfig } from './options'
import { Sentinel } from './sentinel'
import { supervisorOf } from './supervisor'

/** What a driver tells the witness of its life. */
export interface LifeWitness {
  /** The life has begun; peers will know it by this greeting. */
  began(life: Greeting): void
  /** It leads something: from now on its death would be felt. */
  led(): void
  /** It has ended in order: nothing is to be said any more. */
  dismiss(): void
}

/** Takes what goes through the pipe. */
export interface WitnessPipe {
  /** Hands a line over; never throws, never waits. */
  write(line: WitnessLine): void
}

/** The witness of a life with that key; null if there is none. */
export function witnessOf(config: LifeConfig, key: string): LifeWitness | null {
  const { transport, logger } = config
  if (transport.witness === undefined) return null
  const supervisor = supervisorOf(logger)
  if (supervisor !== null) return new Witnessed(config, key, () => supervisor, true)
  return config.sentinel ? new Witnessed(config, key, () => new Sentinel(logger), false) : null
}

class Witnessed implements LifeWitness {
  private pipe: WitnessPipe | null = null
  private life: Greeting | null = null
  private hasLed = false

  constructor(
    private readonly config: LifeConfig,
    private readonly key: string,
    private readonly open: () => WitnessPipe,
    /** The witness is there already: it need not wait for a leadership. */
    private readonly isThere: boolean,
  ) {}

  began(life: Greeting): void {
    this.life = life
    if (this.isThere) this.leave(life)
  }

  led(): void {
    if (this.hasLed) return
    this.hasLed = true
    if (this.life !== null) this.leave(this.life)
  }

  dismiss(): void {
    if (this.life !== null) this.pipe?.write({ dismissed: this.life.nonce })
    this.life = null
  }

  private leave(life: Greeting): void {
    const { transport, timing } = this.config
    const pipe = this.pipe ?? this.open()
    this.pipe = pipe
    transport.witness?.((means) => {
      const limitMs = Math.ceil(timing.promiseMs / (1 - timing.rho))
      const { key, hasLed } = this
      const testament: Testament = { life, key, pid: process.pid, hasLed, limitMs, means }
      if (this.life !== null) pipe.write({ testament })
    })
  }
}
