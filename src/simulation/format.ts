/**
 * How frames, terms, tokens and grants look in a trace and in a golden transcript: short, and readable beside PROTOCOL.md.
 *
 * `T3` is a term, `g1.2` grant 2 of a voter's life 1, `r7` a heartbeat round, `n4` the nonce of a campaign, `a#2` the second
 * life of process a. Formats only; decides nothing.
 */
import type { Certificate, ClusterConfig, Grant, Part, Pause, ProcessId, Refusal, Term } from '../core'
import type { ServiceEffect } from '../runtime/driver'

/** `12.345`: ms with three digits. */
export function formatTime(ms: number): string {
  return ms.toFixed(3)
}

/** A duration or instant without needless digits. */
export function formatMs(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms * 1000) / 1000} ms` : 'never'
}

function grantText(grant: Grant | null): string {
  return grant === null ? 'no grant' : `g${grant}`
}

function certificateText(certificate: Certificate | null): string {
  if (certificate === null) return ''
  return ` with certificate of ${certificate.leader}#${certificate.incarnation} T${certificate.term}`
}

function refusalText(refusal: Refusal | null, leader: ProcessId | null, known: Term): string {
  return `no: ${refusal ?? 'unknown'}${leader === null ? '' : ` to ${leader}`}, knows T${known}`
}

/** Version, floor and voters. */
function formatConfig({ term, version, termFloor, voters }: ClusterConfig): string {
  return `${term}.${version} above T${termFloor}: ${voters.map(({ id }) => id).join(' ')}`
}

/** One part of a frame. */
function formatPart(part: Part): string {
  switch (part.kind) {
    case 'heartbeat':
      return part.probe ? `probe r${part.round}` : `heartbeat r${part.round} for ${formatMs(part.promiseMs)}`
    case 'config':
      return `config ${formatConfig(part.cluster)}`
    case 'configAck':
      return `configAck ${part.term}.${part.version}, knows T${part.membersTerm} and T${part.maxTerm}`
    case 'ack':
      return `ack r${part.round} ${grantText(part.grant)}${part.renewed ? ' renewed' : ''}`
    case 'bind':
      return `bind ${part.election} T${part.term}`
    case 'bindAck':
      return part.grant === null
        ? `bindAck ${part.election} T${part.term} no, knows T${part.knownTerm}`
        : `bindAck ${part.election} T${part.term} ${grantText(part.grant)}`
    case 'release':
      return `release ${part.election} T${part.term}${part.successor === null ? '' : `, ${part.successor} goes first`}`
    case 'releaseAck':
      return `releaseAck ${part.election} T${part.term}`
    case 'contend':
      return `${part.contending ? 'contend' : 'leave'} ${part.election} priority ${part.priority}`
    case 'contendAck':
      return `contendAck ${part.election}`
    case 'preVote':
      return `preVote ${part.election} T${part.term} n${part.nonce}`
    case 'preVoteReply':
      return `preVoteReply ${part.election} n${part.nonce} ${
        part.refusal === null ? 'yes' : refusalText(part.refusal, part.leader, part.knownTerm)
      }`
    case 'requestVote':
      return `requestVote ${part.election} T${part.term} n${part.nonce}${certificateText(part.certificate)}`
    case 'voteReply':
      return `voteReply ${part.election} T${part.term} n${part.nonce} ${
        part.grant === null
          ? refusalText(part.refusal, part.leader, part.knownTerm)
          : `yes under ${grantText(part.grant)}`
      }`
    case 'timeoutNow':
      return `timeoutNow ${part.election}${certificateText(part.certificate)}`
    case 'sessionEnd':
      return 'sessionEnd'
    case 'deathNotice':
      return `deathNotice ${part.process}#${part.incarnation}`
    case 'floorRequest':
      return `floorRequest n${part.nonce}`
    case 'floorReply':
      return `floorReply n${part.nonce} T${part.term}${part.recovering ? ' recovering' : ''}`
    case 'readTerm':
      return `readTerm ${part.election} n${part.nonce}`
    case 'readTermReply':
      return `readTermReply ${part.election} n${part.nonce} T${part.term}`
    case 'notice':
      return `notice ${part.election} T${part.knownTerm}${part.leader === null ? '' : ` led by ${part.leader}`}`
    case 'noticeAck':
      return `noticeAck ${part.election} n${part.number}`
    case 'pause':
    case 'pauseAck':
      return `${part.kind} ${part.election} ${pauseText(part)}`
  }
}

/** \`p2.a paused, its leader stays\`: the second word, said at a. */
function pauseText({ counter, by, isPaused, leader }: Pause): string {
  return `p${counter}.${by} ${isPaused ? `paused, its leader ${leader === 'stays' ? 'stays' : 'steps down'}` : 'resumed'}`
}

/** All parts of a frame. */
export function formatParts(parts: readonly Part[]): string {
  return parts.map(formatPart).join('; ')
}

/** What the core reported to the service, or null for what is reported elsewhere. */
export function formatEffect(effect: ServiceEffect): string | null {
  switch (effect.type) {
    case 'leaderChanged':
      return effect.leader === null
        ? `knows no leader of ${effect.election}`
        : `knows that ${effect.leader} leads ${effect.election} in T${effect.term}`
    case 'roleChanged':
      return `is ${effect.role} in ${effect.election}`
    case 'handOverDue':
      return `finds that ${effect.to} is better for ${effect.election}`
    case 'alarm':
      return `ALARM ${effect.code}: ${effect.detail}`
    case 'termRead':
      return `reads T${effect.term} of ${effect.election} from ${effect.voter}`
    case 'pauseChanged':
      return `knows ${effect.election} as ${pauseText(effect.pause)}`
    case 'pauseHeld':
      return `knows that ${effect.voter} holds p${effect.pause.counter}.${effect.pause.by} of ${effect.election}`
    default:
      return null
  }
}
