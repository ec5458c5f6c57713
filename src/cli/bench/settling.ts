import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { sleep } from '../../core/sleep.ts';
import { allOf, createTimes, record, timesOf, type Times } from './closed-loop.ts';
import type { Scene } from './scene.ts';
import { intoOutbox, randomUnit } from './tables.ts';

const eventsPerSecond = 100;
/** What waits for a connection is still counted from the time that it was meant for. */
const writers = 8;
/** Timers are late by up to so much. */
const timerSlackMs = 2;

export interface Settling {
  events: number;
  eventsPerSecond: number;
  /** From the intended time to the answer of the commit. */
  committed: Times;
  /** From the intended time until the relay tells that the event is settled. */
  settled: Times;
}

/** Open loop: an event has a time at which it is meant to be sent, whatever became of those before it. */
export async function measureSettling({ clients, follower, seconds, signal }: Scene): Promise<Settling> {
  const pool = await clients(writers);
  await follower.readAll();
  // Twice as long as the other points: the slowest hundredth shall be more than a handful of events.
  const events = Math.max(Math.round(2 * seconds * eventsPerSecond), 1);
  const began = performance.now() + 10;
  const intended = (index: number) => began + (index * 1_000) / eventsPerSecond;
  const committed = createTimes();
  const sent: Promise<unknown>[] = [];
  for (let index = 0; index < events && !signal.aborted; index++) {
    const at = intended(index);
    const pauseMs = at - performance.now() - timerSlackMs;
    if (pauseMs > 0) await sleep(pauseMs, signal);
    while (performance.now() < at) await setImmediate();
    const client = pool[index % writers];
    if (!client) throw new Error('there are fewer connections than writers');
    const write = client.query({ ...intoOutbox, values: [randomUnit(), index] }).then(() => {
      record(committed, performance.now() - at);
    });
    // It is waited for at the end; until then, a failure is nobody's.
    write.catch(() => undefined);
    sent.push(write);
  }
  await allOf(sent);
  signal.throwIfAborted();
  const settled = createTimes();
  for (const { sent: index, settledAt } of await follower.readAll())
    if (index !== null) record(settled, settledAt - intended(index));
  return { events, eventsPerSecond, committed: timesOf(committed), settled: timesOf(settled) };
}
