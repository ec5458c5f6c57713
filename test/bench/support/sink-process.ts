/* Thousands of raw sockets in one process: see `sink.ts`. */
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { sleep } from '../../../src/core/sleep.ts';
import { until } from '../../support/until.ts';
import { answer, nowUs } from './answer.ts';
import { summarize } from './samples.ts';
import type { SinkConnect, SinkPlace, SinkReport } from './sink.ts';
import { SinkSocket } from './sink-socket.ts';

const sockets: SinkSocket[] = [];
const latencies: number[] = [];

answer({
  connect: async ({ url, count, kind, auth = {}, perSecond = Infinity, atOnce = 250 }: SinkConnect) => {
    refuseTooMany(sockets.length + count);
    const address = new URL(url);
    const began = nowUs();
    let settled = 0;
    const settling = new EventEmitter();
    const onSettled = () => {
      settled += 1;
      settling.emit('one');
    };
    for (let n = 0; n < count; n += 1) {
      const dueUs = began + (n / perSecond) * 1e6;
      if (dueUs > nowUs()) await sleep((dueUs - nowUs()) / 1_000);
      // It is never more than one too many.
      if (n - settled >= atOnce) await once(settling, 'one');
      const own = Array.isArray(auth) ? (auth as object[])[n] : auth;
      sockets.push(new SinkSocket(address, kind, own ?? {}, latencies, onSettled));
    }
    const message = `${count} clients to be connected`;
    await until(() => settled === count, { timeoutMs: 120_000, message });
    refuseFailed();
  },
  until: async ({ events, timeoutMs }: { events: number; timeoutMs: number }) => {
    const message = `each of ${sockets.length} clients to have ${events} events`;
    const isDone = () => sockets.every((socket) => socket.events >= events);
    await until(() => isFailed() || isDone(), { timeoutMs, message });
    refuseFailed();
  },
  report: (expected: number | undefined): SinkReport => {
    const all = sockets.map(({ events }) => events);
    const sum = (of: (socket: SinkSocket) => number) => sockets.reduce((total, each) => total + of(each), 0);
    return {
      clients: sockets.length,
      failed: sockets.filter(({ failure }) => failure !== undefined).length,
      events: sum(({ events }) => events),
      messages: sum(({ messages }) => messages),
      leastEvents: all.reduce((low, events) => Math.min(low, events), Infinity),
      mostEvents: all.reduce((high, events) => Math.max(high, events), 0),
      missed: sum(({ events, doubled, disordered }) =>
        Math.max(0, (expected ?? 0) - (events - doubled - disordered)),
      ),
      doubled: sum(({ doubled }) => doubled),
      disordered: sum(({ disordered }) => disordered),
      resets: sum(({ resets }) => resets),
      bytes: sum(({ bytes }) => bytes),
      firstAtUs: sockets.reduce((low, { firstAtUs }) => Math.min(low, firstAtUs), Infinity),
      lastAtUs: sockets.reduce((high, { lastAtUs }) => Math.max(high, lastAtUs), -Infinity),
      beganAtUs: sockets.reduce((low, { beganAtUs }) => Math.min(low, beganAtUs), Infinity),
      liveAtUs: sockets.reduce((high, { liveAtUs }) => Math.max(high, liveAtUs), -Infinity),
      liveUs: summarize([sockets.map(({ beganAtUs, liveAtUs }) => liveAtUs - beganAtUs)]),
      latencyUs: summarize([latencies]),
    };
  },
  places: (): SinkPlace[] =>
    sockets.map(({ pid, place, lastAtUs, liveAtUs }) => ({ pid, place, lastAtUs, liveAtUs })),
  reset: () => {
    latencies.length = 0;
    for (const socket of sockets) socket.forget();
  },
  pause: () => {
    for (const socket of sockets) socket.pause();
  },
  resume: () => {
    for (const socket of sockets) socket.resume();
  },
  disconnect: () => {
    for (const socket of sockets.splice(0)) socket.end();
  },
});

/** Node has raised the limit as far as it may be: what is there is all. */
function refuseTooMany(count: number): void {
  const limit = /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  // Beside the sockets: modules, the channel to the parent, what else Node opens.
  if (Number(limit) < count + 100)
    throw new Error(
      `${count} sockets need more open files than the ${limit} allowed: ulimit -Hn ${count + 100}`,
    );
}

function isFailed(): boolean {
  return sockets.some(({ failure }) => failure !== undefined);
}

function refuseFailed(): void {
  const failed = sockets.filter(({ failure }) => failure !== undefined);
  if (failed.length > 0)
    throw new Error(`${failed.length} of ${sockets.length} clients ended: ${failed[0]?.failure}`);
}
