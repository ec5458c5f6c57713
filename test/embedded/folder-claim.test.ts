import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { claimFolder } from '../../src/embedded/folder-claim.ts';
import { writeInstance } from '../../src/embedded/instance-file.ts';
import { startScript } from './script-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const urls = { url: 'http://127.0.0.1:3000', databaseUrl: '' };
const dead = JSON.stringify({ pid: 2 ** 22 + 1, mark: 'killed' });

async function claimAndServe(directory: string) {
  const claim = await claimFolder(directory);
  await writeInstance(directory, urls);
  return claim;
}

test('a second claim is refused with the URL of the instance that has the folder, until that one releases it', async () => {
  const directory = join(await temporaryDirectory(), '.commitcast');
  const first = await claimAndServe(directory);
  await expect(claimFolder(directory)).rejects.toMatchObject({
    code: 'ALREADY_RUNNING',
    message: expect.stringContaining(urls.url) as string,
  });
  await first.release();
  await (await claimFolder(directory)).release();
});

test('of many claims at one moment exactly one wins, whatever the state of the folder', async () => {
  const directory = await temporaryDirectory();
  let highest = 0;
  for (let round = 0; round < 40; round++) {
    // In every third round the last owner was killed; in the others it released, or there was none.
    if (round % 3 === 2) await writeFile(join(directory, `serve.lock.${++highest}`), dead);
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => claimAndServe(directory)));
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const { value } of won) await value.release();
    highest = Math.max(
      ...(await readdir(directory)).map((name) => Number(/^serve\.lock\.(\d+)$/.exec(name)?.[1] ?? 0)),
    );
  }
});

test('there are never two owners at a time, however fast claims and releases follow each other', async () => {
  const directory = await temporaryDirectory();
  // Known beforehand, so that losers need not wait for it.
  await writeInstance(directory, urls);
  let owners = 0;
  let claims = 0;
  const seen = new Set<number>();
  const claimAgainAndAgain = async () => {
    while (claims < 200) {
      const claim = await claimFolder(directory).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ALREADY_RUNNING' });
      });
      if (!claim) continue;
      claims++;
      seen.add(++owners);
      await readdir(directory);
      owners--;
      await claim.release();
    }
  };
  await Promise.all(Array.from({ length: 16 }, claimAgainAndAgain));
  expect([...seen]).toEqual([1]);
});

test('of processes that claim at one moment after a kill -9 exactly one wins; the others name its URL', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'serve.lock.7'), dead);
  const claimants = Array.from({ length: 4 }, () => startScript('claimant.ts', directory));
  for (const claimant of claimants) await claimant.next();
  for (const { process } of claimants) process.stdin?.write('go\n');
  const reports = await Promise.all(
    claimants.map(async (claimant) => ({
      ...(await claimant.next<{ won: boolean; code?: string; message?: string }>()),
      claimant,
    })),
  );
  const winners = reports.filter(({ won }) => won);
  expect(winners).toHaveLength(1);
  const pid = winners[0]?.claimant.process.pid;
  for (const { code, message } of reports.filter(({ won }) => !won)) {
    expect(code).toBe('ALREADY_RUNNING');
    expect(message).toContain(`http://127.0.0.1/${pid} `);
  }
  await winners[0]?.claimant.kill();
  await (await claimFolder(directory)).release();
});
