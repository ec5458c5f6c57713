/** Opcodes of WebSocket frames (RFC 6455) that matter here. */
export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Told of a whole frame: its payload is `bytes` from `start` to `end`, only until it returns. */
export type OnFrame = (opcode: number, bytes: Buffer, start: number, end: number) => void;

/** Takes apart what a server sends over a WebSocket: unmasked frames, none in fragments. Copies only what is not whole yet. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #rest: Buffer | undefined;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  read(chunk: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const start = at + headerBytes(bytes, at);
      const end = start + payloadBytes(bytes, at);
      // Not a number, while the header itself is not whole.
      if (!(end <= bytes.length)) break;
      this.#onFrame((bytes[at] ?? 0) & 0x0f, bytes, start, end);
      at = end;
    }
    // A copy: the chunk is the buffer that all sockets read into.
    this.#rest = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at));
  }
}

function headerBytes(bytes: Buffer, at: number): number {
  const length = (bytes[at + 1] ?? 0) & 0x7f;
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

function payloadBytes(bytes: Buffer, at: number): number {
  if (bytes.length < at + 2 || bytes.length < at + headerBytes(bytes, at)) return NaN;
  const length = (bytes[at + 1] ?? 0) & 0x7f;
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}

/** A frame as clients send it. The mask is zero: it has to be there, and leaves the payload as it is. */
export function clientFrame(payload: string | Buffer, opcode: number = opcodes.text): Buffer {
  const body = Buffer.from(payload as string);
  const header = Buffer.alloc(body.length < 126 ? 6 : 8);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (body.length < 126 ? body.length : 126);
  if (body.length >= 126) header.writeUInt16BE(body.length, 2);
  return Buffer.concat([header, body]);
}
