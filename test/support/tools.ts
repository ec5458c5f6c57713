import { execFile, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe } from 'vitest';
import { describeUnless } from './describe-unless.ts';

/** What some groups of tests need beside Node. */
export type Tool =
  'chromium' | 'redis-server' | 'pg_basebackup' | 'pgbouncer' | 'haproxy' | 'python3-socketio' | 'promtool';

interface ToolRule {
  names: string[];
  override: string;
  packages: string[];
  /** What Debian's interpreter must have, when the program alone does not do. */
  modules?: string[];
}

const tools: Record<Tool, ToolRule> = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    override: 'CHROME_PATH',
    packages: ['chromium', 'fonts-liberation'],
  },
  'redis-server': { names: ['redis-server'], override: 'REDIS_SERVER_PATH', packages: ['redis-server'] },
  // With `initdb`, `pg_ctl` and all others of a server beside it.
  pg_basebackup: { names: ['pg_basebackup'], override: 'PG_BASEBACKUP_PATH', packages: ['postgresql'] },
  pgbouncer: { names: ['pgbouncer'], override: 'PGBOUNCER_PATH', packages: ['pgbouncer'] },
  haproxy: { names: ['haproxy'], override: 'HAPROXY_PATH', packages: ['haproxy'] },
  // The server comes with it, and is not used.
  promtool: { names: ['promtool'], override: 'PROMTOOL_PATH', packages: ['prometheus'] },
  'python3-socketio': {
    names: ['python3'],
    override: 'PYTHON3_PATH',
    packages: ['python3-socketio', 'python3-aiohttp'],
    modules: ['socketio', 'aiohttp'],
  },
};

const debianPostgres = '/usr/lib/postgresql';

const installLimitMs = 600_000;

/** Path of the tool's program, if the machine has it. */
export function findTool(tool: Tool): string | undefined {
  const { names, override, modules } = tools[tool];
  const versions = existsSync(debianPostgres) ? readdirSync(debianPostgres) : [];
  const folders = [
    ...versions.map((version) => join(debianPostgres, version, 'bin')),
    '/usr/bin',
    '/usr/sbin',
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = [process.env[override] ?? '', ...candidates].filter(isExecutable);
  return modules ? found.find((path) => hasModules(path, modules)) : found[0];
}

function hasModules(python: string, modules: string[]): boolean {
  return spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0;
}

/**
 * A group of tests that needs a tool. As root on Debian a missing tool is installed when the group begins; elsewhere
 * the group is skipped with the line that installs it, or fails when `CI=true`.
 */
export function describeWithTool(tool: Tool, name: string, body: () => void): void {
  if (!findTool(tool) && !canInstall()) {
    const { packages, override } = tools[tool];
    const remedy = `Install it, on Debian: sudo apt-get install ${packages.join(' ')}; or name it in ${override}`;
    describeUnless({ problem: `${tool} is not installed`, remedy }, name, body);
    return;
  }
  describe(name, () => {
    beforeAll(() => install(tool), installLimitMs);
    body();
  });
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && isExecutable('/usr/bin/apt-get');
}

async function install(tool: Tool): Promise<void> {
  if (findTool(tool)) return;
  const { names, packages, modules } = tools[tool];
  const present = modules
    ? `/usr/bin/${names[0]} -c 'import ${modules.join(', ')}'`
    : `command -v ${names[0]} || ls ${debianPostgres}/*/bin/${names[0]}`;
  console.log(`${tool} is not installed: apt-get install ${packages.join(' ')}`);
  // One at a time: two test files may ask at once, and the second then finds it done.
  const script = `${present} || { apt-get update -q && apt-get install -y -q --no-install-recommends ${packages.join(' ')}; }`;
  const lock = join(tmpdir(), 'commitcast-test-install.lock');
  await promisify(execFile)('flock', [lock, 'sh', '-c', script], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

function isExecutable(path: string): boolean {
  try {
    if (path === '') return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
