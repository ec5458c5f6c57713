import { expect, it, onTestFinished } from 'vitest';
import { codes } from '../../src/core/codes.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { StatusAnswer } from '../../src/core/status.ts';
import { ProblemLog } from '../../src/http/problem-log.ts';
import { append } from '../../src/log/append.ts';
import { operate } from '../consumer/operated.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { secret, signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { askStatus } from './ask-status.ts';

const bearer = async (role: string) => ({ authorization: `Bearer ${await signToken({ role })}` });

it('holds no event data, token, e-mail address, SQL or address of the database, not even of what failed', async () => {
  const { url, database } = await operate({
    maxAttempts: 1,
    before: ({ data }) => {
      throw Object.assign(new Error(`cannot handle ${JSON.stringify(data)}`), { code: 'patient kim' });
    },
  });
  const token = await signToken({ sub: 'kim@example.org', email: 'kim@example.org', role: 'admin' });
  const client = await connectClient(url, { token });
  await client.live();
  const writer = await database.connect();
  onTestFinished(() => writer.end());
  await writer.query('begin');
  await append(writer, { org: 'acme', type: 'note', data: { open: 'patient kim' } });
  await append(database.pool, { org: 'acme', type: 'note', data: { name: 'patient kim' } });
  const answer = await until(async () => {
    const seen = await askStatus(url);
    const [own] = seen.instances;
    return seen.consumers[0]?.failed && own && own.report.errors.errors > 0 && seen.oldestWriter && seen;
  });
  expect(answer.instances[0]?.report.errors.recent[0]).toEqual({
    agoMs: expect.any(Number) as number,
    level: 'error',
    message: 'a consumer stands still: it cannot handle the next event',
    code: null,
  });
  // What each instance says in the database is read by the others.
  const { rows } = await until(async () => {
    const read = await database.pool.query<{ status: { errors: { errors: number } } }>(
      'select status from commitcast.instance',
    );
    return (read.rows[0]?.status.errors.errors ?? 0) > 0 && read;
  });
  for (const text of [JSON.stringify(answer), JSON.stringify(rows)]) {
    for (const hidden of ['patient', 'kim', '@', token, secret, 'insert into', 'select', 'postgres:', 'note'])
      expect(text).not.toContain(hidden);
  }
});

it('keeps of an error only a code that is one', () => {
  const problems = new ProblemLog(silentLogger);
  const codesOf = ['57014', 'ECONNREFUSED', 'CONFIG_INVALID', 'a name of a patient', 42, undefined].map(
    (code) => {
      problems.warn({ err: Object.assign(new Error('data'), { code }) }, 'it failed');
      return problems.report.recent[0]?.code;
    },
  );
  expect(codesOf).toEqual(['57014', 'ECONNREFUSED', 'CONFIG_INVALID', null, null, null]);
  expect(JSON.stringify(problems.report)).not.toContain('data');
});

it('remembers the last twenty problems, the newest first, and counts them all', () => {
  const problems = new ProblemLog(silentLogger);
  for (let n = 1; n <= 25; n += 1) problems.error({}, `problem ${n}`);
  problems.warn({}, 'a warning');
  problems.info({}, 'no problem');
  const { recent, errors, warnings } = problems.report;
  expect({ errors, warnings, length: recent.length }).toEqual({ errors: 25, warnings: 1, length: 20 });
  expect(recent.map(({ message }) => message).slice(0, 2)).toEqual(['a warning', 'problem 25']);
});

it('is for whoever runs the installation: from this machine by its local name, or a token of the role admin', async () => {
  const { app } = await startServer(await createDatabase());
  const get = async (remoteAddress: string, headers: Record<string, string> = {}) => {
    const response = await app.inject({ url: '/v1/status', remoteAddress, headers });
    return [response.statusCode, response.json<StatusAnswer & { error?: object }>().error];
  };
  const refused = [403, { code: 'ADMIN_REQUIRED', message: expect.any(String) as string }];
  for (const host of ['localhost:3000', 'LOCALHOST', '127.0.0.1:80', '[::1]:3000', '[::1]'])
    expect(await get('127.0.0.1', { host })).toEqual([200, undefined]);
  expect(await get('10.1.2.3', await bearer('admin'))).toEqual([200, undefined]);
  expect(await get('127.0.0.1', { ...(await bearer('admin')), host: 'ops.example' })).toEqual([
    200,
    undefined,
  ]);
  // As a page asks that has rebound its DNS name to this machine.
  for (const host of [
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
  ])
    expect(await get('127.0.0.1', { host })).toEqual(refused);
  expect(await get('10.1.2.3', { host: 'localhost' })).toEqual(refused);
  expect(await get('127.0.0.1', { 'x-forwarded-for': '127.0.0.1' })).toEqual(refused);
  expect(await get('10.1.2.3', await bearer('member'))).toEqual(refused);
  expect(codes.ADMIN_REQUIRED.status).toBe(403);
});
