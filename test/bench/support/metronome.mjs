/*
 * A thread that says when something is due. Timers of the event loop are whole milliseconds late or early, which would
 * be most of the latencies that are measured here; a wait on a futex is late by some tens of microseconds.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { startUs, everyUs, count } = workerData;
const nobody = new Int32Array(new SharedArrayBuffer(4));
const nowUs = () => Number(process.hrtime.bigint() / 1_000n);

let told = 0;
while (told < count) {
  const remainingUs = startUs + told * everyUs - nowUs();
  if (remainingUs > 0) Atomics.wait(nobody, 0, 0, remainingUs / 1_000);
  // Also what fell due while the thread could not run.
  told = Math.min(count, Math.max(told, Math.floor((nowUs() - startUs) / everyUs)) + 1);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  parentPort.postMessage(told);
}
