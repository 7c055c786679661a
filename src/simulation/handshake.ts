/**
 * How two simulated processes come to a session: the lower-numbered node dials, and goes on dialling.
 *
 * Three messages as over TCP: hello, its answer, and the first frame of the dialler, each through the links (a cut stops
 * it) and through the event loop of the one that hears it (a stalled process answers late). Each end judges the other
 * (`admit`: R24, R25, R27) and reads its own clock before its greeting leaves (R64).
 */
import { SimSession, type SimTransport } from './sim-transport'

/** Dials until a session with that node is up; then stops, until `dialAgain`. */
export function keepDialling(dialer: SimTransport, number: number): void {
  if (!dialer.active || !dialer.wants(number) || dialer.sessionWith(number) !== null) return
  if (dialer.dials(number)) dial(dialer, number)
  dialAgain(dialer, number)
}

/** The session is gone, or was not answered: dials a little later. */
export function dialAgain(dialer: SimTransport, number: number): void {
  const { network } = dialer
  const wait = network.options.redialMs * network.random.between(0.5, 1.5)
  network.scheduler.after(
    wait,
    () => dialer.loop.timer(() => keepDialling(dialer, number), undefined),
    undefined,
  )
}

function dial(dialer: SimTransport, number: number): void {
  const { host } = dialer
  if (host === null) return
  const sentAt = host.now()
  const greeting = host.local
  dialer.network.signal(
    dialer.number,
    number,
    0,
    () => {
      const acceptor = dialer.network.transportOf(number)
      acceptor?.loop.input(() => {
        const acceptorHost = acceptor.host
        if (acceptorHost === null || !acceptor.active) return
        const admission = acceptorHost.admit(greeting)
        if (!admission.ok) return acceptor.refuse(greeting.nodeId, admission.reason)
        answer(
          dialer,
          sentAt,
          new SimSession(dialer, greeting, acceptor, acceptorHost.local),
          acceptorHost.now(),
        )
      }, undefined)
    },
    undefined,
  )
}

/** The acceptor answers; the dialler is up when it hears that, and its first frame makes the acceptor up. */
function answer(dialer: SimTransport, dialedAt: number, session: SimSession, answeredAt: number): void {
  const { network } = dialer
  const [dialing, accepting] = session.ends
  const acceptor = accepting.transport
  network.signal(
    acceptor.number,
    dialer.number,
    0,
    () =>
      dialer.loop.input(() => {
        if (dialer.host === null || !dialer.active || dialer.sessionWith(acceptor.number) !== null) return
        const admission = dialer.host.admit(dialing.peer)
        if (!admission.ok) return dialer.refuse(dialing.peer.nodeId, admission.reason)
        let isKnown = false
        const know = (): void => {
          isKnown = true
          acceptor.up(session, answeredAt)
        }
        const confirmed = network.signal(
          dialer.number,
          acceptor.number,
          0,
          () => acceptor.loop.input(know, undefined),
          undefined,
        )
        dialer.up(session, dialedAt)
        if (!confirmed) return session.forget(acceptor)
        // an acceptor that died before it knew of the session closed nothing: the dialler finds out by its time-out (R38)
        const look = (): void => {
          if (!isKnown && !acceptor.active) session.fail('timed out')
        }
        network.scheduler.after(network.options.linkTimeoutMs, look, undefined)
      }, undefined),
    undefined,
  )
}
