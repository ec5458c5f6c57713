import { assert, asyncProperty, type Arbitrary } from 'fast-check';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { codes, type Code } from '../../src/core/codes.ts';
import { append } from '../../src/log/append.ts';
import { openRawWebSocket } from '../gateway/raw-websocket.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { chooseSeed } from '../support/random.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import * as inputs from './fuzz-inputs.ts';
import { sendBytes } from './secrets.ts';

/** Of each kind of input; `FUZZ_RUNS` for more. */
const runs = Number(process.env['FUZZ_RUNS'] ?? 120);
const seed = chooseSeed('fuzz');

const database = await createDatabase();
const crash = vi.fn<(error: unknown) => void>();

beforeEach(() => {
  // In the process under test these two would be its end.
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
});

afterEach(() => {
  process.off('uncaughtException', crash);
  process.off('unhandledRejection', crash);
});

beforeAll(async () => {
  for (let n = 0; n < 20; n++)
    await append(database.pool, { org: 'acme', unit: `u${n % 3}`, type: 'old', data: n });
});

/** Tries the input on a server of its own, beside a client that goes on getting its events over one connection. */
async function fuzz<Input>(input: Arbitrary<Input>, attempt: (url: string, input: Input) => Promise<void>) {
  const server = await startServer(database);
  const witness = await connectClient(server.url, { subscriptions: [{ deep: true }] });
  await witness.live();
  await assert(
    asyncProperty(input, async (given) => {
      await attempt(server.url, given);
      expect(crash).not.toHaveBeenCalled();
    }),
    { seed, numRuns: runs },
  );
  await append(database.pool, { org: 'acme', type: 'still here', data: null });
  await until(() => witness.events.length > 0);
  expect([witness.lives.length, witness.drops, crash.mock.calls]).toEqual([1, 0, []]);
  // None of it is an error that nobody has thought of.
  const status = (await (await fetch(`${server.url}/v1/status`)).json()) as {
    instances: { report: { errors: object } }[];
  };
  expect(status.instances[0]?.report.errors).toMatchObject({ errors: 0 });
}

function expectCode(code: string | undefined): asserts code is Code {
  expect(Object.keys(codes)).toContain(code);
  expect(code).not.toBe('INTERNAL');
}

it('a handshake of whatever is accepted, or refused with a code', async () => {
  await fuzz(inputs.handshake, async (url, { token, fields }) => {
    const raw = await openRawWebSocket(url);
    raw.sendFrame(`40${JSON.stringify({ ...fields, token: await token() })}`);
    const answer = await until(() => /42\["live"|44\{.*"code":"([A-Z_]+)"/s.exec(raw.received()));
    if (answer[1] !== undefined) expectCode(answer[1]);
    raw.stream.destroy();
  });
}, 60_000);

it('a request over a socket is answered, with a code when it is refused, whatever its arguments are', async () => {
  await fuzz(inputs.values, async (url, values) => {
    const raw = await openRawWebSocket(url);
    raw.sendFrame(`40${JSON.stringify({ token: await signToken() })}`);
    await until(() => raw.received().includes('["live"'));
    for (const [n, name] of ['subscribe', 'unsubscribe', 'authenticate'].entries())
      raw.sendFrame(`42${n}${JSON.stringify([name, ...values])}`);
    for (const n of [0, 1, 2]) {
      const answer = await until(() =>
        new RegExp(`43${n}\\[\\{"ok":(?:true|false,"error":\\{"code":"([A-Z_]+)")`).exec(raw.received()),
      );
      if (answer[1] !== undefined) expectCode(answer[1]);
    }
    raw.stream.destroy();
  });
}, 60_000);

it('frames of any bytes end at most their own connection', async () => {
  await fuzz(inputs.frame, async (url, frame) => {
    const raw = await openRawWebSocket(url);
    raw.sendFrame(`40${JSON.stringify({ token: await signToken() })}`);
    await until(() => raw.received().includes('["live"'));
    raw.sendFrame(frame, typeof frame === 'string' ? 1 : 2);
    raw.stream.end();
    await raw.closed();
  });
}, 60_000);

it('an HTTP request is answered with what was asked for, or with a code and its status', async () => {
  await fuzz(inputs.httpRequest, async (url, { method, path, query, token, headers }) => {
    const address = new URL(path, url);
    address.search = new URLSearchParams(query).toString();
    const given = await token();
    // What cannot stand in a header is sent in none.
    const authorization = typeof given === 'string' && /^[!-~]+$/.test(given) ? `Bearer ${given}` : undefined;
    const gone = new AbortController();
    const answer = await fetch(address, {
      method,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      signal: gone.signal,
    });
    // 431: more than Node reads of a request; nobody of ours has seen it.
    if ([200, 431].includes(answer.status) || method === 'HEAD') {
      gone.abort();
      return;
    }
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    expectCode(error.code);
    expect([error.code, codes[error.code].status]).toEqual([error.code, answer.status]);
  });
}, 60_000);

it('bytes that are no HTTP request are answered as such, or their connection is closed', async () => {
  await fuzz(inputs.rawRequest, async (url, bytes) => {
    const answer = await sendBytes(url, bytes);
    expect(answer).toMatch(/^(?:HTTP\/1\.1 [1-4]\d\d )|^$/);
  });
}, 60_000);
