import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Diagnosis } from '../../src/cli/doctor/examine.ts';
import { diagnosisText, exitCodeOf } from '../../src/cli/doctor/diagnosis-text.ts';
import { findingRules } from '../../src/cli/doctor/finding-rules.ts';
import { found } from '../../src/cli/doctor/finding.ts';
import { root } from '../repository/source-files.ts';
import { makeFolder, runCli } from '../support/cli.ts';
import { migrate } from '../../src/db/migrate.ts';
import { administer, urlOfDatabase } from '../support/administer.ts';
import type { TestDatabase } from '../support/database.ts';
import { startPrivateServer } from '../support/private-server.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { examineAt } from './examined.ts';

const cwd = '/';

// One that keeps what it says to have committed: the server of the run need not.
const server = await startPrivateServer();

/** A migrated database on it; with an instance that leads, nothing is wrong. */
async function makeDatabase(name: string, served = true): Promise<string> {
  await administer(server.url, `create database ${name}`);
  const url = urlOfDatabase(server.url, name);
  await migrate({ connectionString: url });
  if (served) {
    await startServer({ url } as TestDatabase);
    await until(async () => (await examineAt(url)).problems.length === 0);
  }
  return url;
}

it('where nothing is wrong it ends with 0, and shows notes', async () => {
  const env = { DATABASE_URL: await makeDatabase('sound') };
  const human = await runCli(['doctor'], { cwd, env });
  expect(human.stderr).toBe('');
  expect(human.stdout).toMatch(/^note {5}ROLE_IS_SUPERUSER: The role may do everything$/m);
  expect(human.stdout).toMatch(/^\d notes\. Each code has a section in docs\/doctor\.md\.\n$/m);
  expect(human.code).toBe(0);

  const { stdout, code } = await runCli(['doctor', '--json'], { cwd, env });
  const { findings, unseen } = JSON.parse(stdout) as Diagnosis;
  expect(unseen).toEqual([]);
  expect(findings.every(({ severity }) => severity === 'note')).toBe(true);
  expect(code).toBe(0);
});

it('where something is wrong it ends with 1, and says what to do, the gravest first', async () => {
  const url = await makeDatabase('sick', false);
  await administer(url, 'alter table commitcast.outbox disable trigger hand_on');
  const env = { DATABASE_URL: url };
  const human = await runCli(['doctor'], { cwd, env });
  expect(human.stdout).toMatch(
    new RegExp(
      [
        '^error    TRIGGER_OFF: A trigger is missing, or does not fire in every session',
        '         The trigger hand_on of commitcast.outbox is disabled\\.',
        '         What to do: As the owner: alter table commitcast.outbox enable always trigger hand_on\\..*',
        '',
        'warning  NO_LEADER: ',
      ].join('\n'),
    ),
  );
  expect(human.stdout).toContain('\n1 error, 1 warning, ');
  expect(human.code).toBe(1);

  const { stdout, code } = await runCli(['doctor', '--json'], { cwd, env });
  expect((JSON.parse(stdout) as Diagnosis).findings.slice(0, 2)).toMatchObject([
    { code: 'TRIGGER_OFF', severity: 'error', remedy: expect.stringContaining('enable always') as string },
    { code: 'NO_LEADER', severity: 'warning' },
  ]);
  expect(code).toBe(1);
});

it('a clock that is a minute ahead is found', async () => {
  const url = await makeDatabase('behind');
  const ahead = `data:text/javascript,${encodeURIComponent('const { now } = Date; Date.now = () => now() + 60_000')}`;
  const { stdout, code } = await runCli(['doctor', '--json'], {
    cwd,
    env: { DATABASE_URL: url, NODE_OPTIONS: `--import=${ahead}` },
  });
  const { findings } = JSON.parse(stdout) as Diagnosis;
  expect(findings.filter(({ severity }) => severity !== 'note')).toMatchObject([
    { code: 'CLOCK_SKEW', seen: 'This machine is 60 s ahead of the database.' },
  ]);
  expect(code).toBe(1);
});

it.each<[string, string[], Record<string, string>, string]>([
  ['no database', [], {}, 'DATABASE_REQUIRED'],
  ['a database that is not there', [], { DATABASE_URL: 'postgres://u@127.0.0.1:1/x' }, 'UNAVAILABLE'],
  ['a setting that is wrong', [], { DATABASE_URL: 'http://x' }, 'CONFIG_INVALID'],
  ['an option that it has not', ['--jsn'], { DATABASE_URL: 'postgres://u@127.0.0.1:1/x' }, 'USAGE'],
])('with %s it ends with 2, for nobody knows what is wrong', async (_case, args, env, code) => {
  const folder = await makeFolder();
  const human = await runCli(['doctor', ...args], { cwd: folder, env });
  expect(human.stderr).toMatch(new RegExp(`^${code}: `));
  expect(human).toMatchObject({ code: 2, stdout: '' });
  const json = await runCli(['doctor', '--json', ...args], { cwd: folder, env });
  expect(JSON.parse(json.stdout)).toMatchObject({ error: { code } });
  expect(json.code).toBe(2);
});

it('the exit code: problems go before what was not seen, and notes are no problem', () => {
  const [error, warning, note] = (['FSYNC_OFF', 'NO_LEADER', 'NO_IDLE_TIMEOUT'] as const).map((code) =>
    found(code, 'seen', 'remedy'),
  );
  const unseen = [{ check: 'locks', reason: 'canceling statement due to statement timeout' }];
  const codeOf = (findings: (typeof error)[], blind = false) =>
    exitCodeOf({ findings: findings.flatMap((each) => each ?? []), unseen: blind ? unseen : [] });
  expect([codeOf([]), codeOf([note]), codeOf([warning]), codeOf([error])]).toEqual([0, 0, 1, 1]);
  expect([codeOf([], true), codeOf([note], true), codeOf([warning], true)]).toEqual([2, 2, 1]);
  expect(diagnosisText({ findings: [], unseen })).toContain('Could not look at:\n  locks: canceling');
});

it('docs/doctor.md has a section for each code, with its severity, and for no other', () => {
  const text = readFileSync(join(root, 'docs/doctor.md'), 'utf8');
  const sections = [...text.matchAll(/^### ([A-Z_]+)\n\n(\w+)\. /gm)].map(([, code, severity]) => [
    code,
    severity?.toLowerCase(),
  ]);
  const rules = Object.entries(findingRules).map(([code, { severity }]) => [code, severity]);
  expect(sections).toEqual(rules);
});
