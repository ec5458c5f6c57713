import { createClient } from '@redis/client';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import type { Logger } from '../../src/core/logger.ts';
import { RedisPubSub } from '../../src/fanout/redis-pub-sub.ts';
import { freePort } from '../../src/embedded/free-port.ts';
import { watchLeaks } from '../support/leaks.ts';
import { prepareRedisServer, startRedisServer } from '../support/redis-server.ts';
import { describeWithTool } from '../support/tools.ts';
import { until } from '../support/until.ts';

interface Line {
  level: keyof Logger;
  message: string;
  error: string;
}

interface Opened {
  readonly pubSub: RedisPubSub;
  /** What was told: not what only `debug` shows. */
  readonly lines: Line[];
  readonly heard: string[];
  gaps: number;
}

/** Noted at the first `open` of a test, when its server runs already. */
let watching: ReturnType<typeof watchLeaks> | undefined;
const opened: Opened[] = [];

afterEach(async () => {
  const expectNoLeaks = await watching;
  watching = undefined;
  await Promise.all(opened.splice(0).map(({ pubSub }) => pubSub.stop()));
  await expectNoLeaks?.();
});

async function open(url: string): Promise<Opened> {
  await (watching ??= watchLeaks());
  const lines: Line[] = [];
  const say = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, message, error: String((fields as { err?: unknown }).err) });
  };
  const one: Opened = {
    pubSub: new RedisPubSub({
      url,
      createClient,
      onGap: () => one.gaps++,
      logger: { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') },
    }),
    lines,
    heard: [],
    gaps: 0,
  };
  opened.push(one);
  one.pubSub.sSubscribe('news', (message) => one.heard.push(message.toString()));
  await one.pubSub.start();
  return one;
}

const levels = ({ lines }: Opened) => lines.map(({ level }) => level);

/** Until a message crosses: what was said before is lost. */
async function untilHeard(from: Opened, to: Opened): Promise<void> {
  await until(() => {
    void from.pubSub.sPublish('news', 'hello');
    return to.heard.includes('hello');
  });
  to.heard.length = 0;
}

describeWithTool('redis-server', 'Pub/Sub over Redis', () => {
  it('takes messages to whoever subscribed, texts and bytes, in their order', async () => {
    const server = await startRedisServer();
    const [one, other] = await Promise.all([open(server.url), open(server.url)]);
    expect([one.pubSub.state, other.pubSub.state]).toEqual(['ok', 'ok']);
    const texts = Array.from({ length: 2_000 }, (_, n) => `${n}`);
    for (const text of texts) void one.pubSub.sPublish('news', Buffer.from(text));
    void one.pubSub.sPublish('elsewhere', 'not for it');
    void one.pubSub.sPublish('news', 'last');
    await until(() => other.heard.includes('last'));
    expect(other.heard).toEqual([...texts, 'last']);
    expect(levels(one)).toEqual([]);
  });

  it('asks the server at each connect whether it has sharded Pub/Sub, and does without if not', async () => {
    // Without HELLO it is taken for a Redis before 6; a cluster has each channel on one node only.
    const older = ['--rename-command', 'HELLO', ''];
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())];
    const server = await startRedisServer(...older);
    const [one, other] = await Promise.all([open(server.url), open(server.url)]);
    const rounds: [string[], sharded: boolean][] = [
      [older, false],
      [[], true],
      [cluster, false],
    ];
    for (const [settings, sharded] of rounds) {
      await server.kill();
      await server.start(...settings);
      await until(() => one.pubSub.state === 'ok' && other.pubSub.state === 'ok');
      await untilHeard(one, other);
      expect(await server.ask('PUBSUB SHARDNUMSUB news')).toContain(`:${sharded ? 2 : 0}`);
      expect(await server.ask('PUBSUB NUMSUB news')).toContain(`:${sharded ? 0 : 2}`);
      expect(await one.pubSub.sendCommand(['PUBSUB', 'SHARDNUMSUB', 'news'])).toEqual(['news', 2]);
    }
  });

  it('Redis killed and started again: told once each, all channels subscribed again, nothing was kept', async () => {
    const server = await startRedisServer();
    const [one, other] = await Promise.all([open(server.url), open(server.url)]);
    other.pubSub.sSubscribe('more', (message) => other.heard.push(message.toString()));
    for (let round = 1; round <= 3; round++) {
      const { gaps } = other;
      await server.kill();
      await until(() => one.pubSub.state === 'unreachable' && other.pubSub.state === 'unreachable');
      for (let n = 0; n < 1_000; n++) void one.pubSub.sPublish('news', 'while it was away');
      expect(await one.pubSub.sendCommand(['PUBSUB', 'SHARDNUMSUB', 'unknown'])).toEqual(['unknown', 1]);
      await server.start();
      await until(() => one.pubSub.state === 'ok' && other.pubSub.state === 'ok');
      await untilHeard(one, other);
      void one.pubSub.sPublish('more', 'more');
      await until(() => other.heard.includes('more'));
      expect(other.heard.filter((text) => text !== 'hello')).toEqual(['more']);
      other.heard.length = 0;
      // Lost, and there again: each time something may have been missed.
      expect(other.gaps).toBe(gaps + 2);
      expect(levels(one)).toEqual(Array.from({ length: round }, () => ['warn', 'info']).flat());
    }
  });

  it('a Redis that is not there yet is told once, keeps nobody, and is taken when it comes', async () => {
    const server = await prepareRedisServer();
    const one = await open(server.url);
    expect(one.pubSub.state).toBe('unreachable');
    await server.start();
    await until(() => one.pubSub.state === 'ok');
    await untilHeard(one, one);
    expect(levels(one)).toEqual(['warn', 'info']);
    expect(one.lines[0]?.error).toContain('ECONNREFUSED');
    await server.kill();
  });

  it('a wrong password, and none, is told once with what Redis says, never with the password', async () => {
    const server = await startRedisServer('--requirepass', 'right');
    const addresses = { wrong: server.url.replace('//', '//:hunter2@'), none: server.url };
    for (const url of Object.values(addresses)) {
      const one = await open(url);
      await until(() => one.lines.length > 0);
      expect(one.pubSub.state).toBe('unreachable');
      expect(levels(one)).toEqual(['warn']);
      expect(one.lines[0]?.error).toMatch(/WRONGPASS|NOAUTH/);
      expect(JSON.stringify(one.lines)).not.toContain('hunter2');
    }
    const right = await open(server.url.replace('//', '//:right@'));
    await untilHeard(right, right);
  });

  it('a frozen Redis is noticed within seconds, and taken again when it answers', async () => {
    const server = await startRedisServer();
    const one = await open(server.url);
    server.freeze();
    await until(() => one.pubSub.state === 'unreachable', { timeoutMs: 6_000 });
    server.thaw();
    await until(() => one.pubSub.state === 'ok');
    await untilHeard(one, one);
    expect(levels(one)).toEqual(['warn', 'info']);
  });

  it('what Redis has not confirmed is bounded; beyond that messages are lost, and later ones arrive again', async () => {
    const server = await startRedisServer();
    const one = await open(server.url);
    const large = 'x'.repeat(1_000_000);
    for (let n = 0; n < 100; n++) void one.pubSub.sPublish('news', large);
    await untilHeard(one, one);
    for (let n = 0; n < 100; n++) void one.pubSub.sPublish('news', large);
    void one.pubSub.sPublish('news', '');
    await until(() => one.heard.includes(''));
    expect(one.heard.filter((text) => text === large)).toHaveLength(8);
  });

  it('a listener that throws, and channels that come and go, end nothing', async () => {
    const server = await startRedisServer();
    const one = await open(server.url);
    one.pubSub.sSubscribe('bad', () => {
      throw new Error('a bad listener');
    });
    void one.pubSub.sPublish('bad', 'x');
    one.pubSub.sUnsubscribe('news');
    one.pubSub.sSubscribe('news', (message) => one.heard.push(`again ${message.toString()}`));
    void one.pubSub.sPublish('news', 'x');
    await until(() => one.heard.length > 0);
    expect(one.heard).toEqual(['again x']);
    expect({ state: one.pubSub.state, lines: one.lines }).toEqual({ state: 'ok', lines: [] });
  });

  it('stops at once while Redis is frozen', async () => {
    const server = await startRedisServer();
    const one = await open(server.url);
    server.freeze();
    void one.pubSub.sPublish('news', 'never confirmed');
    const began = performance.now();
    await one.pubSub.stop();
    expect(performance.now() - began).toBeLessThan(800);
  });

  it('stops at once while a connection is not even accepted', async () => {
    const server = await startRedisServer('--tcp-backlog', '1');
    server.freeze();
    // They fill the queue of the listening socket; the system drops whoever comes after them.
    const queue = Array.from({ length: 8 }, () =>
      connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined),
    );
    onTestFinished(() => {
      for (const socket of queue) socket.destroy();
    });
    await until(() => queue.some(({ connecting }) => !connecting));
    const one = await open(server.url);
    expect(one.pubSub.state).toBe('unreachable');
    const began = performance.now();
    await one.pubSub.stop();
    expect(performance.now() - began).toBeLessThan(800);
  });
});

it('starts without a Redis that accepts and never answers, and stops at once, also while it starts', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume());
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const one = await open(url);
  expect(one.pubSub.state).toBe('unreachable');
  const starting = open(url);
  await until(() => sockets.length >= 4);
  const began = performance.now();
  await Promise.all(opened.map(({ pubSub }) => pubSub.stop()));
  await starting;
  expect(performance.now() - began).toBeLessThan(800);
});
