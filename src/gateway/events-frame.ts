import { formatCursor, type Cursor } from '../core/cursor.ts';
import { maxBatchBytes, maxBatchEvents } from '../core/protocol.ts';
import type { WireEvent } from '../log/wire-event.ts';
import { serverSent } from './server-sent.ts';

/** FIN and the opcode of text. */
const textFrame = 0x81;

/** One `events` message: written at most once for each wire, whoever gets it. */
export class EventsFrame {
  readonly #json: string;
  readonly #cursor: string;
  /** Of the cursor: everything up to here that is wanted has been sent with it. */
  readonly position: number;
  #webSocket: Buffer | undefined;
  #serverSent: Buffer | undefined;

  /** `cursor`: where to go on after these events, which rise. */
  constructor(events: readonly WireEvent[], cursor: Cursor) {
    this.#json = events.map(({ json }) => json).join(',');
    this.#cursor = formatCursor(cursor);
    this.position = cursor.position;
  }

  /** The packet as Socket.IO encodes it: an EVENT of the namespace `/`. */
  get packet(): string {
    return `2["events",[${this.#json}],"${this.#cursor}"]`;
  }

  /** A whole frame of WebSocket, as RFC 6455 has it, with the packet in a message of Engine.IO: one buffer, one write. */
  get webSocket(): Buffer {
    this.#webSocket ??= webSocketFrame(`4${this.packet}`);
    return this.#webSocket;
  }

  get serverSent(): Buffer {
    this.#serverSent ??= serverSent(
      'events',
      `{"events":[${this.#json}],"cursor":"${this.#cursor}"}`,
      this.#cursor,
    );
    return this.#serverSent;
  }

  /** For a wire that needs the arguments themselves. */
  get values(): [events: never[], cursor: string] {
    return [JSON.parse(`[${this.#json}]`) as never[], this.#cursor];
  }
}

/** The messages that carry these events within the limits of the wire; after the last of them the cursor is that of `to`. */
export function framesOf(events: readonly WireEvent[], epoch: string, to?: number): EventsFrame[] {
  const frames: EventsFrame[] = [];
  let message: WireEvent[] = [];
  let bytes = 0;
  const finish = (position = message.at(-1)?.position ?? 0) => {
    if (message.length > 0) frames.push(new EventsFrame(message, { epoch, position }));
    message = [];
    bytes = 0;
  };
  for (const event of events) {
    if (message.length === maxBatchEvents || bytes + event.bytes > maxBatchBytes) finish();
    message.push(event);
    bytes += event.bytes;
  }
  finish(to);
  return frames;
}

function webSocketFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = textFrame;
  if (headerLength === 2) frame[1] = length;
  else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerLength);
  return frame;
}
