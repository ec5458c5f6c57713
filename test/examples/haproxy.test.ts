import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../src/embedded/free-port.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { describeWithTool, findTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

const config = new URL('../../examples/cluster/haproxy.cfg', import.meta.url).pathname;

const program = () => findTool('haproxy') ?? '';
const start = (database: TestDatabase, port = 0) => startServer(database, { port, adapter: 'postgres' });
const countAt = ({ app }: TestServer) => app.commitcast.io.engine.clientsCount;

/** In front of two addresses, until the end of the test. */
async function startBalancer(urls: string[]): Promise<string> {
  const bind = `127.0.0.1:${await freePort()}`;
  const [INSTANCE_1 = '', INSTANCE_2 = ''] = urls.map((url) => new URL(url).host);
  const child = spawn(program(), ['-db', '-f', config], {
    env: { BIND: bind, INSTANCE_1, INSTANCE_2 },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await until(async () => (await fetch(`http://${bind}/health/ready`)).ok);
  return `http://${bind}`;
}

describeWithTool('haproxy', 'the configuration of HAProxy', () => {
  it('is taken by HAProxy without a warning', async () => {
    const env = { INSTANCE_1: '127.0.0.1:3001', INSTANCE_2: '127.0.0.1:3002' };
    const { stdout, stderr } = await promisify(execFile)(program(), ['-c', '-f', config], { env });
    expect(`${stdout}${stderr}`).toBe('Configuration file is valid\n');
  });

  it('keeps a session at its instance, over polling too, and takes a dead one out and in again', async () => {
    const database = await createDatabase();
    const one = await start(database);
    const other = await start(database);
    const url = await startBalancer([one.url, other.url]);
    const connect = (...transports: ('polling' | 'websocket')[]) =>
      connectClient(url, { subscriptions: [{ deep: true }], options: { transports } });
    const clients = [
      ...(await Promise.all(Array.from({ length: 4 }, () => connect('polling')))),
      ...(await Promise.all(Array.from({ length: 4 }, () => connect('websocket')))),
      await connect('polling', 'websocket'),
    ];
    await Promise.all(clients.map((client) => client.live()));
    for (const server of [one, other]) expect(countAt(server)).toBeGreaterThan(1);

    const appendAll = async (...numbers: number[]) => {
      await append(
        database.pool,
        numbers.map((data) => ({ org: 'acme', type: 'step', data })),
      );
      await until(() => clients.every(({ events }) => events.at(-1)?.data === numbers.at(-1)));
    };
    for (const n of [1, 2, 3]) await appendAll(n);
    expect(clients.map(({ drops }) => drops)).toEqual(clients.map(() => 0));

    await one.close();
    await appendAll(4, 5);
    expect(countAt(other)).toBe(clients.length);
    for (const { events, resets } of clients) {
      expect(events.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5]);
      expect(resets).toEqual([]);
    }

    const back = await start(database, Number(new URL(one.url).port));
    await until(async () => {
      const client = await connect('websocket');
      await client.live();
      return countAt(back) > 0;
    });
  });
});
