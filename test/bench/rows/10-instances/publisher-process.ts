/* The open-loop generator for stock servers: it says what is due over a socket, where ours would commit it. */
import { Worker } from 'node:worker_threads';
import { answer, nowUs } from '../../support/answer.ts';
import { isConnected, openWire, type Wire } from '../../support/wire.ts';
import type { Published, PublishLoad } from './publisher.ts';

const leadUs = 100_000;

let wire: Wire | undefined;
let sent = 0;

answer({
  connect: (url: string) =>
    new Promise<void>((resolve, reject) => {
      wire = openWire({
        url,
        auth: { publishes: true },
        onLost: reject,
        onFrame: (frame) => {
          if (isConnected(frame)) resolve();
        },
      });
    }),
  run: ({ perSecond, seconds, eventsPerTransaction = 1 }: PublishLoad): Promise<Published> => {
    const count = Math.round(perSecond * seconds);
    const everyUs = 1_000_000 / perSecond;
    const startUs = nowUs() + leadUs;
    const first = sent;
    return new Promise((resolve, reject) => {
      const metronome = new Worker(new URL('../../support/metronome.mjs', import.meta.url), {
        workerData: { startUs, everyUs, count },
      });
      metronome.on('error', reject);
      let told = 0;
      metronome.on('message', (due: number) => {
        for (; told < due; told += 1) publish(Math.round(startUs + told * everyUs), eventsPerTransaction);
        if (told === count) resolve({ sent: sent - first, seconds: (nowUs() - startUs) / 1_000_000 });
      });
    });
  },
});

function publish(due: number, events: number): void {
  const all = Array.from({ length: events }, () => ({ due, n: sent++ }));
  wire?.send(`2${JSON.stringify(['publish', all])}`);
}
