/**
 * What travels between processes, as bytes: schema, codec, limits. Every line here is part of what transports rely on.
 * Knows nothing of sockets, keys or clocks.
 */
export type { MalformedReason } from './bytes'
export {
  CLOSE_REASONS,
  type CloseReason,
  decodeClose,
  decodeGreeting,
  decodeOpening,
  decodeProof,
  decodeWelcome,
  encodeClose,
  encodeGreeting,
  encodeOpening,
  encodeWelcome,
  FRAME_KINDS,
  type FrameKind,
  type Opening,
  PROOF_BYTES,
  type SignedGreeting,
} from './handshake'
export {
  commonVersion,
  MAX_COMMAND_BYTES,
  MAX_FRAME_BYTES,
  MAX_GREETING_FRAME_BYTES,
  MAX_NAMES,
  MAX_REPLY_BYTES,
  MAX_TERM,
  NEWEST_VERSION,
  OLDEST_VERSION,
  OPERATOR_VERSION,
  type VersionRange,
} from './limits'
export {
  type Command,
  cutReply,
  decodeCommand,
  decodeReplyPiece,
  encodeCommand,
  encodeReplyPiece,
  type ReplyPiece,
  ReplyReader,
} from './operator'
export {
  type CodecOptions,
  type Decoded,
  MAX_BODY_BYTES,
  type Malformed,
  PartDecoder,
  PartEncoder,
} from './parts'
