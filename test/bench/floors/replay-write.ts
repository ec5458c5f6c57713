/*
 * The floor of replays: the same bytes as ours in as many frames, made before anybody connects, written to whoever does.
 * No handshake of Socket.IO, no token, no cursor.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { maxBatchEvents } from '../../../src/core/protocol.ts';
import { answer } from '../support/answer.ts';

answer({
  start: ({ events, textLength }: { events: number; textLength: number }) => {
    const frames = framesOf(events, 'x'.repeat(textLength));
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    server.on('connection', (socket) => {
      for (const frame of frames) socket.send(frame, { binary: false });
    });
    return new Promise<number>((resolve) => {
      server.once('listening', () => resolve((server.address() as AddressInfo).port));
    });
  },
});

function framesOf(count: number, text: string): Buffer[] {
  const time = new Date().toISOString();
  const events = Array.from({ length: count }, (_, n) => ({
    position: 100_000 + n,
    id: randomUUID(),
    type: 'bench.ticked',
    org: 'acme',
    unit: 'r10k',
    time,
    data: { n, text },
  }));
  const frames: Buffer[] = [];
  for (let from = 0; from < count; from += maxBatchEvents) {
    const batch = events.slice(from, from + maxBatchEvents);
    frames.push(packet('events', batch, `abcdefgh-${batch.at(-1)?.position}`));
  }
  const live = {
    cursor: `abcdefgh-${events.at(-1)?.position}`,
    subscriptions: [{}, { unit: 'r10k' }],
    denied: [],
  };
  return [...frames, packet('live', live)];
}

function packet(...values: unknown[]): Buffer {
  return Buffer.from(`42${JSON.stringify(values)}`);
}
