import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { codes, type Code } from '../../src/core/codes.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const text = read('docs/any-client.md');

/** The block whose info string is this, exactly as printed. */
function block(info: string): string {
  const found = text.split(`\n\`\`\`${info}\n`)[1]?.split('\n```')[0];
  if (found === undefined) throw new Error(`The page has no block ${info}`);
  return `${found}\n`;
}

/** The table of codes: code, where, retry, meaning, what to do. */
const rows = text
  .split('\n')
  .filter((line) => /^\| `[A-Z_]+` +\|/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );

it.each(['client.py', 'follow.js'])('the page prints exactly the tested %s', (file) => {
  expect(block(`${file.endsWith('.py') ? 'python' : 'js'} ${file}`)).toBe(read(`test/interop/${file}`));
});

it('the Python client fits on a page', () => {
  expect(read('test/interop/client.py').split('\n').length).toBeLessThanOrEqual(80);
});

it('the table says of each code what the one table of codes says', () => {
  expect(rows.length).toBeGreaterThan(10);
  for (const [code = '', , retry, meaning, remedy] of rows) {
    const rule = codes[code.replaceAll('`', '') as Code];
    expect([code, retry, meaning, remedy]).toEqual([
      code,
      rule.retry ? 'yes' : 'no',
      rule.meaning,
      rule.remedy,
    ]);
  }
});

it.each(['client.py', 'follow.js'])(
  '%s comes back after the codes of the table that say so, and no other',
  (file) => {
    const list = /passing = ([[{].*?[\]}])/is.exec(read(`test/interop/${file}`))?.[1] ?? '';
    const passing = rows.filter(([, , retry]) => retry === 'yes').map(([code]) => code?.replaceAll('`', ''));
    expect(new Set(list.match(/[A-Z_]+/g))).toEqual(new Set(passing));
  },
);

it('every line of the checklist names a test that there is', () => {
  const lines = [...text.matchAll(/^- .*?\]\(\.\.\/(test\/\S+)\), “(.*)”$/gm)];
  expect(lines.length).toBe(text.split('## Your client is right when')[1]?.match(/^- /gm)?.length);
  for (const [, file = '', name = ''] of lines) expect(read(file), name).toContain(name);
});

it('the commands of server-sent events and of plain HTTP tell what was committed', async () => {
  const database = await createDatabase();
  const server = await startServer(database);
  const client = await connectClient(server.url, { subscriptions: [{ unit: 'truck-7' }] });
  const { cursor } = await client.live();
  await append(database.pool, { org: 'acme', unit: 'truck-7', type: 'door.opened', data: { by: 'kim' } });
  const [event] = await until(() => client.events.length === 1 && client.events);
  const env = { ...process.env, URL: server.url, TOKEN: await signToken(), CURSOR: cursor };
  const run = promisify(execFile);

  const stream = run('bash', ['-c', block('sh stream')], { env, timeout: 3_000 }).catch(
    (error: unknown) => error,
  );
  const { stdout } = (await stream) as { stdout: string };
  const [, events, live] = stdout.split('\n\n').map((message) => message.split('\n'));
  const last = client.cursor ?? '';
  expect(events?.slice(0, 2)).toEqual([`id: ${last}`, 'event: events']);
  expect(JSON.parse(events?.[2]?.slice(6) ?? '')).toEqual({ events: [event], cursor: last });
  expect(live?.slice(0, 2)).toEqual([`id: ${last}`, 'event: live']);

  const history = await run('bash', ['-c', block('sh history').replace('\n', '\necho\n')], { env });
  const [page = '', place = ''] = history.stdout.split('\n');
  expect(JSON.parse(page)).toEqual({ events: [event], cursor: last, more: false });
  expect(JSON.parse(place)).toEqual({ cursor: last });
});
