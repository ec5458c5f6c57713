import { CommitcastError } from '../core/errors.ts';
import { parseOptions, type Command } from './command.ts';
import { rolePrivileges, type RolePrivileges } from './role-privileges.ts';

export const grantsCommand: Command = {
  name: 'grants',
  summary: 'Prints the SQL that gives roles what they need in the schema, and nothing else.',
  usage: [
    '--app ROLE     appends events: outbox, append, once (repeat)',
    '--relay ROLE   runs instances: serve, relay, workers of consumers (repeat)',
    'Run it as the owner of the schema, and again after each migration: commitcast grants --app shop | psql -v ON_ERROR_STOP=1 "$DATABASE_URL"',
  ],
  run(args) {
    const { app = [], relay = [] } = parseOptions(args, {
      app: { type: 'string', multiple: true },
      relay: { type: 'string', multiple: true },
    });
    if (app.length + relay.length === 0)
      throw new CommitcastError('USAGE', '--app ROLE or --relay ROLE is needed');
    process.stdout.write(`${grantsSql({ app, relay })}\n`);
    return Promise.resolve();
  },
};

export interface GrantedRoles {
  app: readonly string[];
  relay: readonly string[];
}

/** One transaction, that may be run again. */
export function grantsSql({ app, relay }: GrantedRoles): string {
  return [
    'begin;',
    ...app.flatMap((role) => [
      '',
      '-- Appends events. It reads neither the log nor what others have appended.',
      ...statements(rolePrivileges.app, role),
      '-- When it also takes rights away from users, with revoke():',
      `-- grant execute on function commitcast.revoke(text, text, text, text) to ${quoted(role)};`,
    ]),
    ...relay.flatMap((role) => [
      '',
      '-- Runs instances. It reads the log, and writes nothing there. Retention drops partitions, and migrations make',
      '-- tables: both are for a member of the owner, so set COMMITCAST_MIGRATE=off.',
      ...statements(rolePrivileges.relay, role),
    ]),
    '',
    'commit;',
  ].join('\n');
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
    `grant execute on function ${inSchema(functions)} ${to}`,
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
