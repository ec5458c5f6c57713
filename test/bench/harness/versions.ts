import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { peersFolder } from './peers.ts';

const run = promisify(execFile);
const debianPackages = ['nats-server', 'nginx', 'libnginx-mod-nchan', 'redis-server', 'postgresql-contrib'];

/** Of what is compared: npm packages as they are pinned, and Debian's as they are installed. */
export async function findVersions(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(`${peersFolder}/package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const format = ['-f', '${Package} ${Version}\n'];
  // It fails when one of them is not installed, and lists the others all the same.
  const listed = await run('dpkg-query', ['-W', ...format, ...debianPackages]).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? '',
  );
  const debian = listed.split('\n').map((line) => line.split(' '));
  const installed = debian.filter(([name, version]) => name && version);
  return { ...manifest.dependencies, ...(Object.fromEntries(installed) as Record<string, string>) };
}

/** The commit, and a digest of what was changed since then: two such states with the same name are the same code. */
export async function findCommit(): Promise<string> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', '--short=10', 'HEAD']);
    const { stdout: changes } = await run('git', ['diff', 'HEAD', '--', 'src', 'migrations', 'test/bench'], {
      maxBuffer: 256 * 1024 * 1024,
    });
    const digest = createHash('sha256').update(changes).digest('hex').slice(0, 8);
    return changes === '' ? commit.trim() : `${commit.trim()} with changes ${digest}`;
  } catch {
    return 'unknown';
  }
}
