import { readMissingPrivileges, type Privilege } from '../../../log/read-missing-privileges.ts';
import { readRole } from '../../../log/read-role.ts';
import { readWideGrants } from '../../../log/read-wide-grants.ts';
import { rolePrivileges } from '../../role-privileges.ts';
import type { Check } from '../check.ts';
import { found, quoted, type Finding } from '../finding.ts';

/** What the role in use may do, what it has to do, and what others may do that nobody should. */
export const checkPrivileges: Check = {
  name: 'privileges',
  needs: 'schema',
  async look({ db, settings }) {
    const role = await readRole(db);
    const findings: Finding[] = [];
    const missing = await readMissingPrivileges(db, needed());
    if (missing.length > 0)
      findings.push(
        found(
          'PERMISSION_MISSING',
          `The role ${quoted(role.name)} lacks: ${missing.map(({ privilege, object }) => `${privilege} on ${object}`).join(', ')}.`,
          `As the owner, ${quoted(role.owner)}, run what \`commitcast grants --relay ${quoted(role.name)}\` prints.`,
        ),
      );
    if (settings.retention !== undefined && !role.owns)
      findings.push(
        found(
          'RETENTION_NOT_OWNER',
          `COMMITCAST_RETENTION is set, and the role ${quoted(role.name)} is no member of ${quoted(role.owner)}, which owns the log.`,
          `Let one instance run as the owner: grant ${quoted(role.owner)} to ${quoted(role.name)}; or unset COMMITCAST_RETENTION here.`,
        ),
      );
    if (role.superuser)
      findings.push(
        found(
          'ROLE_IS_SUPERUSER',
          `The role ${quoted(role.name)} is a superuser.`,
          'Run instances as a role of their own: `commitcast grants --relay ROLE` prints what it needs.',
        ),
      );
    for (const { table, role: whose, privilege } of await readWideGrants(db)) {
      findings.push(
        found(
          'PERMISSION_TOO_WIDE',
          `The role ${quoted(whose)} has ${privilege} on commitcast.${table}.`,
          `As the owner: revoke ${privilege.toLowerCase()} on commitcast.${table} from ${quoted(whose)}. Writers need columns of the outbox only: \`commitcast grants --app ROLE\` prints them.`,
        ),
      );
    }
    return findings;
  },
};

function needed(): Privilege[] {
  const { tables, functions } = rolePrivileges.relay;
  return [
    { kind: 'schema', object: 'commitcast', privilege: 'USAGE' },
    ...tables.flatMap(({ names, privileges }) =>
      names.flatMap((object) =>
        privileges.map((privilege) => ({
          kind: 'table' as const,
          object,
          privilege: privilege.toUpperCase(),
        })),
      ),
    ),
    ...functions.map((object) => ({ kind: 'function' as const, object, privilege: 'EXECUTE' })),
  ];
}
