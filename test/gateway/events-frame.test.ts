import type { Writable } from 'node:stream';
import { Server } from 'socket.io';
import * as ws from 'ws';
import { expect, it } from 'vitest';
import { maxBatchBytes } from '../../src/core/protocol.ts';
import { EventsFrame, framesOf } from '../../src/gateway/events-frame.ts';
import type { WireEvent } from '../../src/log/wire-event.ts';

/** Has no types. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

const cursor = { epoch: 'aaaaaaaa', position: 9 };

function eventWith(data: unknown, position = 1): WireEvent {
  const json = JSON.stringify({ position, org: 'acme', data });
  return { position, org: 'acme', stream: undefined, json, bytes: Buffer.byteLength(json) };
}

/** As a WebSocket client takes it apart. */
async function received(frame: Buffer): Promise<string> {
  const receiver = new Receiver({ isServer: false });
  const message = new Promise<string>((resolve, reject) => {
    receiver.on('message', (data: Buffer) => {
      resolve(String(data));
    });
    receiver.on('error', reject);
  });
  receiver.end(frame);
  return message;
}

it.each([
  ['short', 'x'],
  ['of 126 bytes and more', 'x'.repeat(200)],
  ['of 65,536 bytes and more', 'x'.repeat(70_000)],
  ['not of ASCII', '§ 🙂 日本 \u2028'.repeat(50)],
])('a message that is %s is, byte for byte, the one that Socket.IO would send', async (_, data) => {
  const event = eventWith({ text: data });
  const frame = new EventsFrame([event, event], cursor);
  const events = [JSON.parse(event.json) as unknown, JSON.parse(event.json) as unknown];
  const [packet] = new Server().encoder.encode({
    type: 2,
    nsp: '/',
    data: ['events', events, 'aaaaaaaa-9'],
  });
  expect(frame.packet).toBe(packet);
  expect(await received(frame.webSocket)).toBe(`4${packet}`);
  expect(frame.values).toEqual([events, 'aaaaaaaa-9']);
});

it.each([123, 124, 125, 126, 127, 65_534, 65_535, 65_536])(
  'lengths at the edges of what a header can say: %d bytes',
  async (length) => {
    const empty = new EventsFrame([eventWith('')], cursor);
    const filler = length - Buffer.byteLength(`4${empty.packet}`);
    const frame = new EventsFrame([eventWith('x'.repeat(Math.max(filler, 0)))], cursor);
    expect((await received(frame.webSocket)).length).toBe(Math.max(length, `4${empty.packet}`.length));
  },
);

it('as a server-sent event it is one line of data, with the cursor as its id', () => {
  const text = String(new EventsFrame([eventWith('a\nb')], cursor).serverSent);
  expect(text).toBe(
    'id: aaaaaaaa-9\nevent: events\n' +
      'data: {"events":[{"position":1,"org":"acme","data":"a\\nb"}],"cursor":"aaaaaaaa-9"}\n\n',
  );
});

it('what is too large for one message is several, each with the cursor after its events', () => {
  const large = 'x'.repeat(maxBatchBytes / 3);
  const frames = framesOf(
    [1, 2, 3, 4, 5].map((n) => eventWith(large, n)),
    'aaaaaaaa',
    40,
  );
  expect(frames.map(({ position }) => position)).toEqual([2, 4, 40]);
  expect(framesOf([], 'aaaaaaaa', 40)).toEqual([]);
});
