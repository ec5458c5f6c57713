import { expect, onTestFinished } from 'vitest';
import { connect } from '../../../src/client/index.ts';
import type {
  CommitcastClient,
  ConnectOptions,
  CursorStore,
  ErrorContext,
  SubscriptionHandle,
} from '../../../src/client/index.ts';
import type { CommitcastEvent } from '../../../src/core/event.ts';
import { sees } from '../../../src/core/sees.ts';
import type { Subscription } from '../../../src/core/subscription.ts';
import { append } from '../../../src/log/append.ts';
import { readWholeLog } from '../../../src/testing/read-whole-log.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { Random } from '../../support/random.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';

export interface Watched extends CommitcastClient {
  /** Names of the states that it has been in, one after the other. */
  readonly states: string[];
  readonly errors: { error: unknown; context: ErrorContext }[];
  /** Resolves when it is live. */
  live(): Promise<void>;
  codes(): unknown[];
}

/** A client that is closed at the end of the test, and writes down what happens to it. */
export function openClient(url: string, options: Partial<ConnectOptions> = {}): Watched {
  const client = connect({ token: () => signToken(), url, ...options });
  onTestFinished(() => client.close());
  const states: string[] = [client.state.name];
  const errors: Watched['errors'] = [];
  client.onState(({ name }) => states.push(name));
  client.onError((error, context) => errors.push({ error, context }));
  return Object.assign(client, {
    states,
    errors,
    async live() {
      await until(() => client.state.name === 'live', { message: 'the client to be live' });
    },
    codes: () => errors.map(({ error }) => (error as { code?: string }).code),
  });
}

/** What is kept of a page when it is loaded anew. */
export function keptStore(): CursorStore {
  let kept: string | undefined;
  return {
    load: () => kept,
    save: (text) => {
      kept = text;
    },
  };
}

/** Positions that the handlers of a subscription have done, in their order. */
export function record(
  handle: SubscriptionHandle,
  work: (event: CommitcastEvent) => unknown = () => undefined,
): number[] {
  const positions: number[] = [];
  handle.on('*', async (event) => {
    await work(event);
    positions.push(event.position);
  });
  return positions;
}

/** Positions of the log that a subscription shows, after one of them. */
export async function truth(
  { pool }: TestDatabase,
  scope: Subscription,
  { after = 0, org = 'acme' } = {},
): Promise<number[]> {
  const log = await readWholeLog(pool);
  return log
    .filter((event) => event.org === org && event.position > after && sees(scope, event))
    .map(({ position }) => position);
}

/** Waits for the end of it, then compares all of it: missed, doubled or out of order shows. */
export async function expectExactly(seen: readonly number[], expected: readonly number[]): Promise<void> {
  await until(() => expected.length === 0 || seen.includes(expected.at(-1) ?? 0), {
    message: `position ${expected.at(-1)}, of ${expected.length}`,
    timeoutMs: 20_000,
  });
  expect(seen).toEqual(expected);
}

export const units = ['u1', 'u2'] as const;

/** One event of `acme`. */
export async function write({ pool }: TestDatabase, unit?: string, type = 'a'): Promise<void> {
  await append(pool, { org: 'acme', type, data: {}, ...(unit === undefined ? {} : { unit }) });
}

export async function writeMany({ pool }: TestDatabase, count: number, unit?: string): Promise<void> {
  await append(
    pool,
    Array.from({ length: count }, (_, n) => ({ org: 'acme', type: 'many', data: { n }, unit })),
  );
}

/** Two writers, who commit and roll back transactions of one to three events until they are told to stop. */
export function startWriters(
  database: TestDatabase,
  random: Random,
  { org = 'acme', limit = 4_000 } = {},
): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const work = async (own: Random) => {
    const client = await database.connect();
    for (let n = 0; n < limit && !stopped.signal.aborted; n++) {
      const events = Array.from({ length: 1 + own.below(3) }, () => {
        const unit = own.chance(0.8) ? own.pick(units) : undefined;
        return { org, type: 'w', data: { n }, unit };
      });
      await client.query('begin');
      await append(client, events);
      await client.query(own.chance(0.1) ? 'rollback' : 'commit');
    }
  };
  const all = Promise.all([work(random.fork()), work(random.fork())]);
  const stop = async () => {
    stopped.abort();
    await all;
  };
  onTestFinished(stop);
  return { stop };
}
