import { sleep } from '../../../src/core/sleep.ts';
import { nowUs } from '../support/answer.ts';

/** Events that a server without a database makes by itself, at the times at which they are due. */
export interface Pulse {
  /** How often a second. */
  perSecond: number;
  seconds: number;
  /** Events at a time. */
  events: number;
  /** Length of the text that is added to the data of each. */
  dataBytes: number;
}

/** As ours look on the wire, so that what is sent has as many bytes. */
export interface PulseEvent {
  position: number;
  id: string;
  type: string;
  org: string;
  unit: string;
  time: string;
  data: { due: number; n: number; text?: string };
}

let position = 0;

/** Calls back with the events of each time, however late others were. Returns how many there were. */
export async function pulse(
  { perSecond, seconds, events, dataBytes }: Pulse,
  send: (events: PulseEvent[]) => void,
): Promise<number> {
  const times = Math.round(perSecond * seconds);
  const began = nowUs();
  for (let time = 0; time < times; time += 1) {
    const due = Math.round(began + (time / perSecond) * 1e6);
    if (due > nowUs()) await sleep((due - nowUs()) / 1_000);
    send(Array.from({ length: events }, (_, n) => eventOf(n, due, dataBytes)));
  }
  return times * events;
}

function eventOf(n: number, due: number, dataBytes: number): PulseEvent {
  position += 1;
  return {
    position,
    id: `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`,
    type: 'bench.event',
    org: 'acme',
    unit: `u${n}`,
    time: new Date().toISOString(),
    data: { due, n: position, ...(dataBytes > 0 ? { text: 'x'.repeat(dataBytes) } : {}) },
  };
}
