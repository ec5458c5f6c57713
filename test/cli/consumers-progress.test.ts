import { expect, it } from 'vitest';
import { awaitCaughtUp, progressLine } from '../../src/cli/consumers-progress.ts';
import { createGate, operate } from '../consumer/operated.ts';
import { startCli } from '../support/cli.ts';
import { until } from '../support/until.ts';

it.each<[Parameters<typeof progressLine>[0], string]>([
  [
    { done: 412_345, total: 1_000_000, perSecond: 62_000.4 },
    '412,345 of 1,000,000 events (41 %), 62,000/s, 587,655 left (9.5 s)',
  ],
  [{ done: 1, total: 3, perSecond: 0 }, '1 of 3 events (33 %), 0/s, 2 left'],
  [
    { done: 0, total: 2, perSecond: 0, waitsFor: 'it is paused' },
    '0 of 2 events (0 %), 0/s, 2 left; it is paused',
  ],
  [{ done: 3, total: 3, perSecond: 7 }, '3 of 3 events (100 %), 7/s'],
  [{ done: 0, total: 0, perSecond: 0 }, '0 of 0 events (100 %), 0/s'],
])('%j says how far it is, how quick, and what is left', (progress, line) => {
  expect(progressLine(progress)).toBe(line);
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the command that follows a rebuild; the rebuild goes on', async (signal, exitCode) => {
  const gate = createGate();
  let closed = false;
  const { database, write, copied } = await operate({
    batch: 1,
    before: ({ data }, stop) => (closed && data === 2 ? gate.pass(stop) : undefined),
  });
  await write([1, 2, 3]);
  await until(async () => (await copied()).length === 3);
  closed = true;
  const env = { DATABASE_URL: database.url };
  const following = startCli(['consumers', 'rebuild', 'copy', '--wait'], { cwd: '/', env });
  await gate.reached;
  await until(() => following.stderr().includes(' left'));
  following.child.kill(signal);
  expect(await following.ended).toBe(exitCode);
  expect(following.stderr()).toMatch(
    /^copy goes on without this command\. How far it is: commitcast consumers list\n$/m,
  );
  expect(await copied()).toEqual([1]);
  gate.open();
  await until(async () => (await copied()).join() === '1,2,3');
});

it('progress is one line, which a terminal rewrites', async () => {
  const { database, write, partition } = await operate();
  await write([1]);
  await until(async () => (await partition()).position === 1);
  const written: string[] = [];
  const stream = { isTTY: true, write: (text: string) => written.push(text) };
  await awaitCaughtUp({ db: database.pool, name: 'copy', signal: new AbortController().signal, stream });
  const lines = written.map((text) => text.replaceAll('\u001b[K', '<rest erased>'));
  for (const line of lines) expect(line).toMatch(/^\r1 of 1 events \(100 %\), [\d,]+\/s<rest erased>\n?$/);
  expect(lines.map((line) => line.endsWith('\n'))).toEqual(
    lines.map((_, index) => index === lines.length - 1),
  );
});
