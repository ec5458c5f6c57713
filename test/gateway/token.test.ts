import { createHmac } from 'node:crypto';
import { Writable } from 'node:stream';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { codes, type Code } from '../../src/core/codes.ts';
import { commitcast } from '../../src/http/plugin.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import {
  createSigningKeys,
  secret,
  signToken,
  tamperedToken,
  unsignedToken,
  type Claims,
} from '../support/tokens.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const rsa = await createSigningKeys('RS256');
const valid = await signToken();
const [header = '', payload = '', signature = ''] = valid.split('.');

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const without = (claim: string) => ({ [claim]: undefined }) as unknown as Claims;
/** What a verifier that takes the algorithm from the header would believe: the public key as HS256 secret. */
function confusedToken(publicPem: string): string {
  const head = encode({ alg: 'HS256', typ: 'JWT' });
  return `${head}.${payload}.${createHmac('sha256', publicPem).update(`${head}.${payload}`).digest('base64url')}`;
}

const refused: Record<string, [token: unknown, code: Code]> = {
  missing: [undefined, 'TOKEN_REQUIRED'],
  null: [null, 'TOKEN_REQUIRED'],
  empty: ['', 'TOKEN_REQUIRED'],
  'a number': [17, 'TOKEN_INVALID'],
  zero: [0, 'TOKEN_INVALID'],
  false: [false, 'TOKEN_INVALID'],
  'a list': [[valid], 'TOKEN_INVALID'],
  'an object': [{ toString: valid }, 'TOKEN_INVALID'],
  rubbish: ['rubbish', 'TOKEN_INVALID'],
  'three dots': ['...', 'TOKEN_INVALID'],
  'with a space around it': [` ${valid} `, 'TOKEN_INVALID'],
  'of 60,000 characters': ['x'.repeat(60_000), 'TOKEN_INVALID'],
  'with a long tail': [`${valid}${'A'.repeat(20_000)}`, 'TOKEN_INVALID'],
  'without a signature': [`${header}.${payload}.`, 'TOKEN_INVALID'],
  'with half a signature': [`${header}.${payload}.${signature.slice(0, 20)}`, 'TOKEN_INVALID'],
  'of alg none': [unsignedToken(), 'TOKEN_INVALID'],
  'of alg NONE, signed': [`${encode({ alg: 'NONE' })}.${payload}.${signature}`, 'TOKEN_INVALID'],
  'of alg HS512': [await signToken({}, { algorithm: 'HS512', key: secret.repeat(2) }), 'TOKEN_INVALID'],
  'of another secret': [await signToken({}, { key: 'x'.repeat(40) }), 'TOKEN_INVALID'],
  'of a private key': [await rsa.sign(), 'TOKEN_INVALID'],
  'tampered: another org': [tamperedToken(valid, { org_id: 'rival' }), 'TOKEN_INVALID'],
  'tampered: a longer life': [
    tamperedToken(await signToken({}, { ttlSeconds: -60 }), { exp: 9_999_999_999 }),
    'TOKEN_INVALID',
  ],
  expired: [await signToken({}, { ttlSeconds: -6 }), 'TOKEN_EXPIRED'],
  'expired long ago': [await signToken({ exp: 1 }), 'TOKEN_EXPIRED'],
  'without exp': [await signToken({}, { ttlSeconds: null }), 'TOKEN_INVALID'],
  'with exp as a text': [await signToken({ exp: '9999999999' } as unknown as Claims), 'TOKEN_INVALID'],
  'not yet valid': [await signToken({ nbf: 9_999_999_999 }), 'TOKEN_INVALID'],
  'without sub': [await signToken(without('sub')), 'TOKEN_INVALID'],
  'with an empty sub': [await signToken({ sub: '' }), 'TOKEN_INVALID'],
  'with a number as sub': [await signToken({ sub: 7 } as unknown as Claims), 'TOKEN_INVALID'],
};

it('a token that is not ours is refused before the connection exists, each with its code', async () => {
  const server = await startServer(database);
  let connections = 0;
  server.app.commitcast.io.on('connection', () => connections++);
  for (const [name, [token, code]] of Object.entries(refused)) {
    const client = await connectClient(server.url, { token: token as string });
    const [refusal] = await until(() => client.refusals.length > 0 && client.refusals, { message: name });
    expect({ name, ...refusal?.data, message: refusal?.message }).toEqual({
      name,
      code,
      message: codes[code].meaning,
    });
    expect(client.socket.connected).toBe(false);
    client.socket.disconnect();
  }
  expect(connections).toBe(0);
  expect(server.app.commitcast.io.of('/').sockets.size).toBe(0);
});

it('a token of 10 MB ends its connection, and only that', async () => {
  const server = await startServer(database);
  const witness = await connectClient(server.url);
  await witness.live();
  const client = await connectClient(server.url, {
    token: 'x'.repeat(10_000_000),
    options: { reconnection: false },
  });
  await until(() => !client.socket.active || client.socket.io.engine.readyState === 'closed');
  expect(client.lives).toEqual([]);
  expect(witness.socket.connected).toBe(true);
});

it('a public key given as an HS256 secret signs nothing: the algorithm follows from the key', async () => {
  const server = await startServer(database, { jwt: { publicKey: rsa.publicPem } });
  for (const pem of [rsa.publicPem, rsa.publicPem.trim()]) {
    const client = await connectClient(server.url, { token: confusedToken(pem) });
    await until(() => client.refusals.length > 0);
    expect(client.refusals[0]?.data).toEqual({ code: 'TOKEN_INVALID' });
  }
  const client = await connectClient(server.url, { token: await rsa.sign() });
  await client.live();
});

it('issuer and audience are pinned when they are set', async () => {
  const server = await startServer(database, {
    jwt: { secret, issuer: 'https://app', audience: 'commitcast' },
  });
  const outcomes: [Claims, boolean][] = [
    [{}, false],
    [{ iss: 'https://app' }, false],
    [{ aud: 'commitcast' }, false],
    [{ iss: 'https://other', aud: 'commitcast' }, false],
    [{ iss: 'https://app', aud: 'other' }, false],
    [{ iss: 'https://app', aud: 'commitcast' }, true],
    [{ iss: 'https://app', aud: ['other', 'commitcast'] }, true],
  ];
  for (const [claims, accepted] of outcomes) {
    const client = await connectClient(server.url, { token: await signToken(claims) });
    await until(() => client.lives.length + client.refusals.length > 0);
    expect({ claims, accepted: client.lives.length > 0 }).toEqual({ claims, accepted });
    if (!accepted) expect(client.refusals[0]?.data).toEqual({ code: 'TOKEN_INVALID' });
  }
});

it('tokens and secrets appear in no log line, at no level, whatever happens to them', async () => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const app = Fastify({ logger: { level: 'trace', stream } });
  let fail = false;
  await app.register(commitcast, {
    databaseUrl: database.url,
    jwt: { secret, issuer: 'https://app' },
    adapter: 'postgres',
    authorize: () => {
      if (fail) throw new Error('rights cannot be read');
      return true;
    },
    getUserPrimaryOrganization: () => Promise.reject(new Error('members cannot be read')),
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const iss = 'https://app';
  const good = await signToken({ iss });
  const tokens = [
    good,
    await signToken({ iss, ...without('org_id') }),
    ...Object.values(refused).flatMap(([token]) =>
      typeof token === 'string' && token.length > 10 ? [token] : [],
    ),
  ];
  for (const token of tokens) {
    const client = await connectClient(url, { token });
    await until(() => client.lives.length + client.refusals.length + client.drops > 0);
    client.socket.disconnect();
    await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${token.slice(0, 8_000)}` } });
  }
  fail = true;
  const client = await connectClient(url, { token: good, subscriptions: [{ unit: 'u1' }] });
  await client.live();
  await client.socket.emitWithAck('authenticate', { token: valid });
  await client.socket.emitWithAck('subscribe', { unit: 'u2' });
  await app.close();

  const log = lines.join('');
  expect(log).toContain('rights cannot be read');
  expect(log).toContain('members cannot be read');
  const { password } = new URL(database.url);
  for (const token of tokens) {
    for (const part of token.split('.')) if (part.length > 30) expect(log).not.toContain(part.slice(0, 200));
  }
  for (const text of [secret, ...(password ? [password] : [])]) expect(log).not.toContain(text);
});
