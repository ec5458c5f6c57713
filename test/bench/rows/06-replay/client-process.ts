/* The one client that was away: see `client.ts`. */
import { EventEmitter, once } from 'node:events';
import { until as waitFor } from '../../../support/until.ts';
import { answer, nowUs } from '../../support/answer.ts';
import { isConnected, isEvent, isLive, isRefused, judge, numbersOf, openWire } from '../../support/wire.ts';
import type { Wire } from '../../support/wire.ts';
import type { Replayed, ReplayOptions, Session } from './client.ts';

answer({ replay, prime, leave });

const patienceMs = 120_000;

/** From the moment at which the socket is opened until all is there; read only then. */
async function replay({ url, auth, expected, until }: ReplayOptions): Promise<Replayed> {
  const told = new EventEmitter();
  const end = once(told, 'end', { signal: AbortSignal.timeout(patienceMs) });
  let events = 0;
  let connected = false;
  const startUs = nowUs();
  const wire = openWire({
    url,
    ...(auth && { auth }),
    onLost: (error) => told.emit('error', error),
    onFrame: (frame) => {
      if (isEvent(frame)) events += 1;
      if (isRefused(frame)) told.emit('error', new Error(frame.toString()));
      // A stock server that recovers a session sends what was missed first.
      if (isConnected(frame)) connected = true;
      if (until === 'live' ? isLive(frame) : connected && events === expected)
        told.emit('end', nowUs() - startUs);
    },
  });
  const [us] = (await end) as [number];
  await wire.cut();
  const { pid } = auth ?? {};
  // A stock server that cannot recover says nothing: it gives a session of another name.
  if (pid !== undefined && sessionOf(wire) !== pid) throw new Error('The session was not recovered');
  const bytes = wire.frames.reduce((sum, frame) => sum + frame.length, 0);
  return { us, bytes, ...judge(numbersOf(wire.frames), expected) };
}

let present: Wire | undefined;

/** Connects for the first time; its session can be recovered after an event that it has got. */
async function prime({ url, auth }: { url: string; auth: object }): Promise<void> {
  const told = new EventEmitter();
  const connected = once(told, 'connected');
  present = openWire({
    url,
    auth,
    onLost: (error) => told.emit('error', error),
    onFrame: (frame) => {
      if (isConnected(frame)) told.emit('connected');
    },
  });
  await connected;
}

async function leave(): Promise<Session> {
  const wire = present;
  const event = await waitFor(() => wire?.frames.find(isEvent), { message: 'an event before it goes' });
  const [, , offset = ''] = JSON.parse(event.toString().slice(1)) as [string, unknown, string?];
  const pid = wire ? sessionOf(wire) : '';
  await wire?.cut();
  return { pid, offset };
}

function sessionOf({ frames }: Wire): string {
  const text = frames.find(isConnected)?.toString().slice(1) ?? '{}';
  return (JSON.parse(text) as { pid?: string }).pid ?? '';
}
