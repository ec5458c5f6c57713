import { CommitcastError } from '../core/errors.ts';
import { parseOptions, type Command } from './command.ts';
import { rolePrivileges, type RoleKind, type RolePrivileges } from './role-privileges.ts';

export const grantsCommand: Command = {
  name: 'grants',
  summary: 'Prints the SQL that gives roles what they need in the schema, and nothing else.',
  usage: [
    '--app ROLE        appends events: outbox, append, once (repeat)',
    '--relay ROLE      runs instances: serve, relay, workers of consumers (repeat)',
    '--consumer ROLE   is the one whose transactions handlers of consumers run in (repeat)',
    '--reader ROLE     reads: log, streams, snapshots, tail, status (repeat)',
    'Run it as the owner of the schema, and again after each migration: commitcast grants --app shop | psql -v ON_ERROR_STOP=1 "$DATABASE_URL"',
  ],
  run(args) {
    const roles = { type: 'string', multiple: true } as const;
    const granted = parseOptions(args, { app: roles, relay: roles, consumer: roles, reader: roles });
    if (kinds.every((kind) => granted[kind] === undefined))
      throw new CommitcastError(
        'USAGE',
        `One of ${kinds.map((kind) => `--${kind} ROLE`).join(', ')} is needed`,
      );
    process.stdout.write(`${grantsSql(granted)}\n`);
    return Promise.resolve();
  },
};

/** Names of roles, by what they do. */
export type GrantedRoles = Partial<Record<RoleKind, readonly string[]>>;

/** What a role of this kind does, and does not. */
const comments: Readonly<Record<RoleKind, readonly string[]>> = {
  app: ['-- Appends events. It reads neither the log nor what others have appended.'],
  relay: [
    '-- Runs instances. It reads the log, and writes nothing there. Retention drops partitions, and migrations make',
    '-- tables: both are for a member of the owner, so set COMMITCAST_MIGRATE=off.',
  ],
  consumer: [
    '-- Handles events: reads the log, and moves checkpoints. It appends nothing: a role that does is granted --app, too.',
    '-- Tables that handlers write are yours to grant.',
  ],
  reader: [
    '-- Reads events of all orgs, and writes nothing. Of rights it reads what the log says: whose were taken or changed, and when.',
  ],
};

const kinds = Object.keys(comments) as RoleKind[];

/** One transaction, that may be run again. */
export function grantsSql(granted: GrantedRoles): string {
  return [
    'begin;',
    ...kinds.flatMap((kind) =>
      (granted[kind] ?? []).flatMap((role) => [
        '',
        ...comments[kind],
        ...statements(rolePrivileges[kind], role),
        ...(kind === 'app' ? forRevoking(role) : []),
      ]),
    ),
    '',
    'commit;',
  ].join('\n');
}

function forRevoking(role: string): string[] {
  return [
    '-- When it also takes rights away from users, with revoke():',
    `-- grant execute on function commitcast.revoke(text, text, text, text) to ${quoted(role)};`,
  ];
}

function statements({ tables, columns, functions }: RolePrivileges, role: string): string[] {
  const to = `to ${quoted(role)};`;
  return [
    `grant usage on schema commitcast ${to}`,
    ...tables.map(({ names, privileges }) => `grant ${privileges.join(', ')} on ${inSchema(names)} ${to}`),
    ...columns.map(
      ({ table, privilege, names }) =>
        `grant ${privilege} (${names.join(', ')}) on commitcast.${table} ${to}`,
    ),
    ...(functions.length === 0 ? [] : [`grant execute on function ${inSchema(functions)} ${to}`]),
  ];
}

function inSchema(names: readonly string[]): string {
  return names.map((name) => `commitcast.${name}`).join(', ');
}

/** Always in quotes: `user` is a name that a role may have. */
function quoted(role: string): string {
  // Postgres would cut a longer one, and the grant would be another role's; a line break would end the comment it is in.
  if (role === '' || /\p{Cc}/u.test(role) || Buffer.byteLength(role) > 63)
    throw new CommitcastError('USAGE', 'The name of a role has 1 to 63 bytes, and no control characters');
  return `"${role.replaceAll('"', '""')}"`;
}
