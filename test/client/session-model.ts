import { array, constantFrom, nat, record, type Arbitrary } from 'fast-check';
import { vi } from 'vitest';
import { CodedError, connect, type CommitcastClient } from '../../src/client/index.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { ModelServer } from './model-server.ts';
import { ModelSubscription, type Plan } from './model-subscription.ts';

const scopes: Subscription[] = [{}, { deep: true }, { unit: 'u' }, { site: 's' }, { site: 's', deep: true }];
const places = [{}, { unit: 'u' }, { unit: 'v' }, { site: 's' }, { site: 's', unit: 'u' }];
const plans: Plan[] = ['async', 'throw', 'throw later', 'throw'];
const steps = ['deliver', 'page', 'serve', 'authorize', 'ack'] as const;

const kinds =
  'append append append subscribe subscribe from load load unsubscribe plan break heal retry lose reload advance advance slow ' +
  'checkpoint revoke grant step step step step step settle settle';
const breaks = ['expire', 'restore'] as const;

export interface Command {
  kind: string;
  a: number;
  b: number;
}

export function commands(withBreaks: boolean): Arbitrary<Command[]> {
  const kind = constantFrom<string[]>(...kinds.split(' '), ...(withBreaks ? breaks : []));
  const digit = nat({ max: 9 });
  return array(record({ kind, a: digit, b: digit }), { maxLength: 60, size: 'max' });
}

/** An application, its server and the network between them; every command is one thing that one of them does. */
export class SessionModel {
  readonly #server = (ModelServer.current = new ModelServer());
  #subscriptions: ModelSubscription[] = [];
  #saved: string | undefined;
  #client: CommitcastClient;

  constructor() {
    this.#client = this.#connect();
  }

  get resets(): number {
    return this.#subscriptions.reduce((sum, { resets }) => sum + resets, 0);
  }

  async run(all: readonly Command[]): Promise<string[]> {
    for (const command of all) {
      await this.#do(command);
      await vi.advanceTimersByTimeAsync(0);
    }
    for (const each of this.#open) each.broken = false;
    this.#server.denied.clear();
    await this.#rest();
    for (const place of places) this.#server.append(place);
    await this.#rest();
    const complaints = this.#open.flatMap((each) => each.complaint() ?? []);
    await this.close();
    return complaints;
  }

  async close(): Promise<void> {
    const progress = { closed: false };
    void this.#client.close().then(() => (progress.closed = true));
    for (let n = 0; n < 1_000 && !progress.closed; n++) await vi.advanceTimersByTimeAsync(10);
    if (!progress.closed) throw new Error('does not close');
  }

  get #open(): ModelSubscription[] {
    return this.#subscriptions.filter(({ ended }) => !ended);
  }

  /** Until all is delivered, handled, tried again and live. */
  async #rest(): Promise<void> {
    let quiet = 0;
    for (let rounds = 0; quiet < 3; rounds++) {
      const states = () => [this.#client.state, ...this.#open.map(({ handle }) => handle.state)];
      if (rounds > 200) throw new Error(`comes to no rest: ${JSON.stringify(states())}`);
      let moved = false;
      for (const link of this.#server.links) moved = link.settle() || moved;
      await vi.advanceTimersByTimeAsync(6_000);
      for (const { handle } of this.#open)
        if (handle.state.name === 'failed' || handle.state.name === 'denied') handle.retry();
      const isDone = states().every(({ name }) => name === 'live' || name === 'active');
      quiet = isDone && !moved ? quiet + 1 : 0;
    }
  }

  async #do({ kind, a, b }: Command): Promise<void> {
    const server = this.#server;
    const open = this.#open;
    const one = open[a % (open.length || 1)];
    const link = [...server.links].at(-1);
    if (kind === 'append') server.append(places[a % places.length] ?? {}, b % 2);
    if (kind === 'subscribe') this.#subscribe(a, false);
    if (kind === 'from')
      this.#subscribe(a, false, server.cursor(Math.max(server.floor - 1, server.head - b)));
    if (kind === 'load') this.#subscribe(a, true, b === 8 ? server.cursor() : undefined, b);
    if (kind === 'plan') one?.plans.push(...plans.slice(b % plans.length));
    if (kind === 'break' && one) one.broken = true;
    if (kind === 'heal') for (const each of open) each.broken = false;
    if (kind === 'retry') one?.handle.retry();
    if (kind === 'unsubscribe' && one) {
      one.ended = true;
      one.handle.unsubscribe();
    }
    if (kind === 'lose') link?.lose();
    if (kind === 'slow') link?.slow();
    if (kind === 'checkpoint') link?.checkpoint();
    if (kind === 'step') link?.step(steps[a % steps.length] ?? 'page', b);
    if (kind === 'settle') link?.settle();
    if (kind === 'revoke') server.revoke(scopes[1 + (a % 4)] ?? {});
    if (kind === 'grant') server.denied.clear();
    if (kind === 'advance') await vi.advanceTimersByTimeAsync([5, 10, 200, 3_000, 60_000][a % 5] ?? 0);
    if (kind === 'expire') server.expire();
    if (kind === 'restore') server.restore(b % 4);
    if (kind === 'reload') {
      await this.close();
      server.links.clear();
      this.#client = this.#connect();
      for (const each of this.#open) each.subscribe(this.#client);
    }
  }

  #subscribe(a: number, loads: boolean, from?: string, b = 0): void {
    const scope = scopes[a % scopes.length] ?? {};
    const made = new ModelSubscription(this.#server, { ...scope }, loads, from);
    made.loadsBehind = b % 5;
    made.loadsNothing = b === 9;
    made.subscribe(this.#client);
    this.#subscriptions.push(made);
  }

  #connect(): CommitcastClient {
    const client = connect({
      token: 'token',
      maxBacklog: 6,
      store: { load: () => this.#saved, save: (text) => (this.#saved = text) },
    });
    client.onError((error, { subscription }) => {
      if (!(error instanceof CodedError) || error.code !== 'HISTORY_EXPIRED') return;
      this.#subscriptions.find((each) => each.handle.scope === subscription?.scope)?.reset();
    });
    return client;
  }
}
