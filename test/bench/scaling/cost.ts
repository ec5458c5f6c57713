import { sleep } from '../../../src/core/sleep.ts';
import type { Sink, SinkReport } from '../support/sink.ts';

/** CPU time of a process so far, in microseconds. */
export interface Metered {
  cpuUs(): Promise<number>;
}

export interface Cost {
  /** CPU time beyond that of doing nothing for as long. */
  us: number;
  sent: number;
  report: SinkReport;
}

export interface Delivery {
  server: Metered;
  sink: Sink;
  /** Returns how many events there were, when all have been handed over. */
  send: () => Promise<number>;
  /** Of so many events sent, those that each client gets. Default: all. */
  each?: (sent: number) => number;
  /** CPU time per millisecond of doing nothing. */
  idle: number;
}

/** CPU time per millisecond while nothing is sent. */
export async function idleCost(server: Metered, ms: number): Promise<number> {
  const began = performance.now();
  const before = await server.cpuUs();
  await sleep(ms);
  return ((await server.cpuUs()) - before) / (performance.now() - began);
}

/** From before the first event is sent until the last client has the last one. */
export async function costOf({ server, sink, send, each = (sent) => sent, idle }: Delivery): Promise<Cost> {
  await sink.reset();
  const began = performance.now();
  const before = await server.cpuUs();
  const sent = await send();
  await sink.until(each(sent));
  const us = (await server.cpuUs()) - before - idle * (performance.now() - began);
  return { us, sent, report: await sink.report(each(sent)) };
}
