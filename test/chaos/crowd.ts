import { setMaxListeners } from 'node:events';
import { sleep } from '../../src/core/sleep.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import type { Random } from '../support/random.ts';
import { orgs, sites, units } from '../support/trap-transactions.ts';
import { ChaosClient, type Transport } from './client.ts';
import type { ChaosInstance } from './instance.ts';
import type { Ledger } from './ledger.ts';

/** What pages would ask for, beside the org's own events. */
const shapes: readonly Subscription[][] = [
  [{ deep: true }],
  [],
  [{ site: sites[0] }],
  [{ site: sites[1], deep: true }],
  [{ unit: units[0] }],
  [{ site: sites[0], deep: true }, { unit: units[0] }, { unit: units[1] }],
  [{ deep: true }, { unit: units[2] }],
];

/** Clients that left for good keep their positions until the end: so many for each that stays, at most. */
const newcomersPerPlace = 4;
const settleTimeoutMs = 60_000;

/** Clients of several orgs, with different subscriptions and transports, that come and go at random instances. */
export class Crowd {
  /** All that there ever were. */
  readonly clients: ChaosClient[] = [];
  counts = { connects: 0, cuts: 0, newcomers: 0 };
  readonly #present = new Set<ChaosClient>();
  readonly #held = new Set<ChaosClient>();
  readonly #instances: readonly ChaosInstance[];
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #stopped = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(instances: readonly ChaosInstance[], ledger: Ledger, random: Random) {
    this.#instances = instances;
    this.#ledger = ledger;
    this.#random = random;
    setMaxListeners(0, this.#stopped.signal);
  }

  /** Those that have not left for good. */
  get present(): ChaosClient[] {
    return [...this.#present];
  }

  start(places: number): void {
    const work = Array.from({ length: places }, (_, place) => this.#occupy(place, this.#random.fork()));
    this.#running = Promise.all(work);
    this.#running.catch(() => undefined);
  }

  /** A client that is connected and reads over a WebSocket, and that stays until it is let go. */
  hold(random: Random, suits: (client: ChaosClient) => boolean): ChaosClient | undefined {
    const candidates = this.present.filter(
      (client) => client.live && !this.#held.has(client) && suits(client),
    );
    if (candidates.length === 0) return undefined;
    const client = random.pick(candidates);
    this.#held.add(client);
    return client;
  }

  letGo(client: ChaosClient): void {
    this.#held.delete(client);
  }

  /** Nobody goes any more; resolves when all who had not left for good have connected. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** The same, but resolves when they are live, or were told why not. */
  async settle(): Promise<void> {
    await this.stop();
    await Promise.all(
      this.present.map(async (client) => {
        // One that never comes back is found by the judge: it misses what it has not got.
        await client.settled(settleTimeoutMs).catch(() => undefined);
      }),
    );
  }

  leave(): void {
    for (const client of this.clients) client.leave();
  }

  /** One place in the crowd, with one client after another. */
  async #occupy(place: number, random: Random): Promise<void> {
    const { signal } = this.#stopped;
    for (let generation = 0; !signal.aborted; generation++) {
      const client = this.#newcomer(place, generation, random);
      const mayLeave = generation < newcomersPerPlace;
      if (generation === 0) await sleep(random.below(1_000), signal);
      await this.#wander(client, mayLeave, random);
      if (client.farewell === undefined && signal.aborted) return;
      client.leave();
      this.#present.delete(client);
    }
  }

  #newcomer(place: number, generation: number, random: Random): ChaosClient {
    const org = orgs[place % orgs.length] ?? 'acme';
    const draw = random.fraction();
    const transport: Transport = draw < 0.15 ? 'polling' : draw < 0.25 ? 'upgrade' : 'websocket';
    const client = new ChaosClient({
      name: `client-${place}-${generation}`,
      org,
      subscriptions: shapes[Math.floor(place / orgs.length) % shapes.length] ?? [],
      transport,
      ledger: this.#ledger,
    });
    this.clients.push(client);
    this.#present.add(client);
    if (generation > 0) this.counts.newcomers++;
    return client;
  }

  /** Returns when the client leaves for good, was refused for good, or the run is over: then it is connected. */
  async #wander(client: ChaosClient, mayLeave: boolean, random: Random): Promise<void> {
    const { signal } = this.#stopped;
    const connect = async () => {
      this.counts.connects++;
      await client.connect(random.pick(this.#instances).url);
    };
    await connect();
    for (;;) {
      await sleep(1_000 + random.below(8_000), signal);
      if (signal.aborted || client.farewell !== undefined) return;
      if (this.#held.has(client)) continue;
      const draw = random.fraction();
      if (draw < 0.25) {
        this.counts.cuts++;
        client.cut();
      } else if (draw < 0.35 && mayLeave && client.live) return;
      else {
        client.leave();
        await sleep(random.below(4_000), signal);
        await connect();
      }
    }
  }
}
