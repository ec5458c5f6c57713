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
 * As a number or as text, which is all that some languages' clients can say there. What is neither is refused in the same way: how a later version names itself, this server cannot know, and its client
 * wants to hear which ones there are.
 *
 * @throws {ProtocolUnsupportedError}
 */
export function expectProtocol(named: unknown): void {
  if (named === undefined || named === null) return;
  const text = typeof named === 'number' || typeof named === 'string' ? String(named) : undefined;
  if (!protocols.some((each) => String(each) === text)) throw new ProtocolUnsupportedError();
}
