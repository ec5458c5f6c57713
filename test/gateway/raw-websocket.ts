import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { once, until } from '../support/until.ts';

/** A client that keeps to no protocol: what it sends are the bytes that the test says. */
export interface RawWebSocket {
  readonly stream: Socket;
  /** Everything that came, as it came. */
  received(): string;
  /** A WebSocket frame, masked as a client's must be. Opcode 1: text, 2: binary. */
  sendFrame(payload: string | Buffer, opcode?: number): void;
  closed(): Promise<unknown>;
}

/** Opens a WebSocket to Engine.IO by hand. */
export async function openRawWebSocket(
  url: string,
  path = '/socket.io/?EIO=4&transport=websocket',
): Promise<RawWebSocket> {
  const { hostname, port } = new URL(url);
  const stream = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  // The server may cut what it cannot read.
  stream.on('error', () => undefined);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  onTestFinished(() => {
    stream.destroy();
  });
  await once(stream, 'connect');
  stream.write(
    `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  const received = () => Buffer.concat(chunks).toString('latin1');
  await until(() => /^HTTP\/1.1 \d+ /.test(received()), { message: 'an answer to the upgrade' });
  return {
    stream,
    received,
    sendFrame: (payload, opcode = 1) => {
      stream.write(frame(Buffer.from(payload), opcode));
    },
    closed: () => closed,
  };
}

function frame(payload: Buffer, opcode: number): Buffer {
  const mask = randomBytes(4);
  const size = payload.length;
  const length =
    size < 126
      ? Buffer.from([0x80 | size])
      : size < 65_536
        ? Buffer.from([0x80 | 126, size >> 8, size & 0xff])
        : Buffer.concat([Buffer.from([0x80 | 127, 0, 0, 0, 0]), uint32(size)]);
  const masked = payload.map((byte, n) => byte ^ (mask[n % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, masked]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
