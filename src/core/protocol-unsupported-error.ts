import { CommitcastError } from './errors.ts';
import { protocols, type Protocol } from './protocol.ts';

/** The handshake names a version of the wire that this server does not speak. `code` is `PROTOCOL_UNSUPPORTED`. */
export class ProtocolUnsupportedError extends CommitcastError {
  readonly supported: readonly Protocol[] = protocols;
  override readonly data: { readonly code: 'PROTOCOL_UNSUPPORTED'; readonly supported: readonly Protocol[] };

  constructor() {
    super('PROTOCOL_UNSUPPORTED');
    this.data = { code: 'PROTOCOL_UNSUPPORTED', supported: protocols };
  }

  override toJSON(): { code: 'PROTOCOL_UNSUPPORTED'; message: string; supported: readonly Protocol[] } {
    return { code: 'PROTOCOL_UNSUPPORTED', message: this.message, supported: this.supported };
  }
}

/**
 * What is no number is refused in the same way: how a later version names itself, this server cannot know, and its client
 * wants to hear which ones there are.
 *
 * @throws {ProtocolUnsupportedError}
 */
export function expectProtocol(named: unknown): void {
  if (named === undefined || named === null) return;
  if (!protocols.some((each) => each === named)) throw new ProtocolUnsupportedError();
}
