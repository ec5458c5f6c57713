import { sleep } from '../../src/core/sleep.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { connectClient, type TestClient } from './client.ts';
import { isSeenBy, type ClientHistory, type Fact, type SeenEvent, type Step } from './history-checker.ts';
import type { Random } from './random.ts';
import { signToken } from './tokens.ts';
import { orgs, sites, units } from './trap-transactions.ts';
import { until } from './until.ts';
import type { Writers } from './writers.ts';

/** A client that writes down all that happens to it, over all its connections, and keeps nothing but its cursor. */
export class Observer implements ClientHistory {
  readonly name: string;
  readonly org: string;
  readonly subscriptions: readonly Subscription[];
  readonly steps: Step[] = [];
  readonly seen = new Set<string>();
  cursor: string | undefined;
  #client: TestClient | undefined;

  constructor(name: string, org: string, subscriptions: readonly Subscription[]) {
    this.name = name;
    this.org = org;
    this.subscriptions = subscriptions;
  }

  get connected(): boolean {
    return this.#client?.socket.connected ?? false;
  }

  get drops(): number {
    return this.steps.filter(({ kind }) => kind === 'dropped').length;
  }

  get events(): SeenEvent[] {
    return this.steps.flatMap((step) => (step.kind === 'events' ? step.events : []));
  }

  /** Resolves when live. A connection that is lost comes back by itself, as that of any stock client. */
  async connect(url: string): Promise<this> {
    const client = await connectClient(url, {
      token: await signToken({ sub: this.name, org_id: this.org }),
      subscriptions: [...this.subscriptions],
      ...(this.cursor === undefined ? {} : { cursor: this.cursor }),
    });
    this.#client = client;
    const { socket } = client;
    const note = (step: Step) => this.steps.push(step);
    // The client's own listeners come first: its cursor is the new one already.
    const keep = () => {
      this.cursor = client.cursor;
    };
    socket.on('connect', () => note({ kind: 'connected', cursor: this.cursor }));
    socket.on('events', (events, cursor) => {
      keep();
      note({ kind: 'events', events, cursor });
      for (const { id } of events) this.seen.add(id);
    });
    socket.on('live', ({ cursor }) => {
      keep();
      note({ kind: 'live', cursor });
    });
    socket.on('reset', ({ reason, cursor }) => {
      keep();
      note({ kind: 'reset', reason, cursor });
    });
    socket.on('checkpoint', keep);
    socket.on('disconnect', () => note({ kind: 'dropped' }));
    // A handshake that was refused, say for want of the database, is repeated by the application, as the README says.
    socket.on('connect_error', () => {
      if (!socket.active && this.#client === client) void sleep(20).then(() => socket.connect());
    });
    await client.live();
    return this;
  }

  /** Leaves, and does not come back until told. */
  leave(): void {
    this.#client?.socket.disconnect();
    this.#client = undefined;
  }

  /** Cuts the transport, as a network does; the client comes back by itself. */
  cut(): void {
    this.#client?.socket.io.engine.close();
  }

  /** Resolves when everything that its rooms have to say has come. */
  async complete(facts: readonly Fact[]): Promise<void> {
    const own = facts.filter((fact) => isSeenBy(this, fact));
    await until(() => own.every(({ id }) => this.seen.has(id)), { message: `${this.name} to have all` });
  }
}

/** For each org one that sees all, then others with what a page of a site, of a unit, or of both would ask for. */
export function createObservers(count: number): Observer[] {
  const shapes: Subscription[][] = [
    [{ deep: true }],
    [],
    [{ site: sites[0] }],
    [{ site: sites[1], deep: true }],
    [{ unit: units[0] }],
    [{ site: sites[0], deep: true }, { unit: units[0] }, { unit: units[1] }],
    [{ deep: true }, { unit: units[2] }],
  ];
  return Array.from({ length: count }, (_, index) => {
    const org = orgs[index % orgs.length] ?? 'acme';
    const shape = shapes[Math.floor(index / orgs.length) % shapes.length] ?? [];
    return new Observer(`client-${index}-${org}`, org, shape);
  });
}

/**
 * While the writers work, drops every observer that is given after a random number of events: for as long as a random
 * number of transactions takes, when it comes back with its cursor, to any of the addresses; or its transport is cut.
 * Resolves, when the writers are done and all are back, with how often.
 */
export async function roam(
  observers: readonly Observer[],
  writers: Writers,
  urls: readonly string[],
  random: Random,
): Promise<number> {
  const work = { isOver: false };
  const finished = writers.finished.finally(() => (work.isOver = true));
  const wander = async (observer: Observer, own: Random) => {
    let drops = 0;
    for (; !work.isOver; drops++) {
      const enough = observer.seen.size + own.below(120);
      await until(() => work.isOver || observer.seen.size >= enough, {
        message: `${observer.name} to see more`,
      });
      if (own.chance(0.3)) observer.cut();
      else {
        observer.leave();
        await writers.reached(writers.ended + own.below(200));
        await observer.connect(own.pick(urls));
      }
    }
    return drops;
  };
  const [drops] = await Promise.all([
    Promise.all(observers.map((observer) => wander(observer, random.fork()))),
    finished,
  ]);
  return drops.reduce((sum, count) => sum + count, 0);
}
