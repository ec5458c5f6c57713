import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A user of this machine. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A way to run the programs of Postgres, which refuse the effective user 0. As root there are several, from the one
 * that gives them least to the one that works in most places.
 */
export interface Launch {
  readonly name: string;
  /** Who must own what the programs write; `undefined`: it is ours already. */
  readonly owner?: Account;
  /** Applied by Node between fork and exec. */
  readonly account?: Account;
  /** A program that runs the rest of its command line in the wanted way, without a process in between. */
  readonly prefix: readonly string[];
}

export const asOurselves: Launch = { name: 'as this user', prefix: [] };

/** Works when that user can enter the folder and the programs' folder. */
export function asOtherUser(account: Account): Launch {
  return { name: `as user ${account.uid}`, owner: account, account, prefix: [] };
}

/**
 * As another user who keeps one capability of root's, with which folders like /root can be entered.
 * `no_setuid_fixup` matters: without it access(2), by which Postgres looks for its own files, ignores capabilities.
 * The process is not "secure" in the sense of ld.so, so the programs find their libraries by `$ORIGIN`.
 */
export function withCapability(account: Account, capability: 'dac_read_search' | 'dac_override'): Launch {
  const only = `-all,+${capability}`;
  return {
    name: `as user ${account.uid} with ${capability}`,
    owner: account,
    prefix: [
      'setpriv',
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--clear-groups',
      '--securebits=+no_setuid_fixup',
      `--inh-caps=${only}`,
      `--ambient-caps=${only}`,
      `--bounding-set=${only}`,
      '--',
    ],
  };
}

/** As ourselves, in a user namespace where our number is another: files stay ours, and no user 0 is to be seen. */
export function inUserNamespace(account: Account): Launch {
  return {
    name: `in a user namespace as ${account.uid}`,
    prefix: ['unshare', '--user', `--map-user=${account.uid}`, '--'],
  };
}

/** A user to run as, who must have a name because initdb asks for it. */
export async function findAccount(): Promise<Account> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(([name]) => name === wanted) ?? [];
    // macOS writes nobody's number as -2.
    if (uid && gid) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  return { uid: 65_534, gid: 65_534 };
}

/** What to hand to `spawn` or `execFile`. */
export function commandFor({ prefix, account }: Launch, program: string, args: readonly string[]) {
  const [file = program, ...rest] = [...prefix, program, ...args];
  return {
    file,
    args: rest,
    options: {
      // Not ours: it may be one that the other user cannot enter, and a server should not hold on to it.
      cwd: '/',
      // No locale need be installed; a given TZ spares initdb the search for the machine's; libpq's variables stay out.
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      ...account,
    },
  };
}

/** Runs a program to its end. @throws an error whose message has what the program said. */
export async function run(launch: Launch, program: string, args: readonly string[]): Promise<string> {
  const command = commandFor(launch, program, args);
  try {
    const { stdout } = await promisify(execFile)(command.file, command.args, command.options);
    return stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(stderr?.trim() || message, { cause: error });
  }
}
