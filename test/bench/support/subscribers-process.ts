/* The clients: see `subscribers.ts`. */
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { sleep } from '../../../src/core/sleep.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { answer, nowUs } from './answer.ts';
import { summarize } from './samples.ts';
import type { Received, SubscribersOptions } from './subscribers.ts';

/** In which a second copy of the last event would come. */
const graceMs = 100;

interface Event {
  position?: number;
  data: { due: number; n: number };
}

class Subscriber {
  readonly latenciesUs: number[] = [];
  readonly #numbers = new Set<number>();
  #events = 0;
  #position = -1;
  disordered = 0;

  get distinct(): number {
    return this.#numbers.size;
  }

  get doubled(): number {
    return this.#events - this.#numbers.size;
  }

  reset(): void {
    this.latenciesUs.length = 0;
    this.#numbers.clear();
    this.#events = 0;
    this.disordered = 0;
  }

  receive(events: Event[]): void {
    const now = nowUs();
    lastUs = now;
    for (const { position, data } of events) {
      this.latenciesUs.push(now - data.due);
      this.#numbers.add(data.n);
      this.#events += 1;
      if (position === undefined) continue;
      if (position <= this.#position) this.disordered += 1;
      this.#position = position;
    }
  }
}

let settings: Omit<SubscribersOptions, 'core'>;
let subscribers: Subscriber[] = [];
let lastUs = 0;

answer({
  prepare: (given: typeof settings) => {
    settings = given;
  },
  connect: async () => {
    const kind = settings.kind ?? 'commitcast';
    const connect = { commitcast: connectOurs, 'socket.io': connectStock, ws: connectPlain }[kind];
    subscribers = Array.from({ length: settings.clients }, () => new Subscriber());
    await Promise.all(subscribers.map(connect));
  },
  result: async ({ expected, patienceMs }: { expected: number; patienceMs: number }): Promise<Received> => {
    lastUs = nowUs();
    const isDone = () =>
      subscribers.every(({ distinct }) => distinct >= expected) || nowUs() - lastUs > patienceMs * 1_000;
    await until(isDone, { timeoutMs: 600_000, message: 'all events' });
    await sleep(graceMs);
    const sum = (of: (subscriber: Subscriber) => number) =>
      subscribers.reduce((total, subscriber) => total + of(subscriber), 0);
    return {
      latencyUs: summarize(subscribers.map(({ latenciesUs }) => latenciesUs)),
      missed: sum(({ distinct }) => Math.max(0, expected - distinct)),
      doubled: sum(({ doubled }) => doubled),
      disordered: sum(({ disordered }) => disordered),
    };
  },
  reset: () => {
    for (const subscriber of subscribers) subscriber.reset();
  },
});

async function connectOurs(subscriber: Subscriber, index: number): Promise<void> {
  const { url, org = 'acme', units } = settings;
  const unit = units === undefined ? undefined : `u${index % units}`;
  const subscriptions = settings.subscriptions ?? [unit === undefined ? { deep: true } : { unit }];
  const socket = io(url, {
    transports: ['websocket'],
    forceNew: true,
    auth: { token: await signToken({ org_id: org }), subscriptions },
  });
  socket.on('events', (events: Event[]) => subscriber.receive(events));
  await new Promise<void>((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.once('live', () => resolve());
  });
}

async function connectStock(subscriber: Subscriber): Promise<void> {
  const socket = io(settings.url, { transports: ['websocket'], forceNew: true });
  socket.on('events', (events: Event[]) => subscriber.receive(events));
  await new Promise<void>((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.once('connect', resolve);
  });
}

async function connectPlain(subscriber: Subscriber): Promise<void> {
  const socket = new WebSocket(settings.url.replace(/^http/, 'ws'));
  socket.on('message', (data: Buffer) => subscriber.receive(JSON.parse(data.toString()) as Event[]));
  await once(socket, 'open');
}
