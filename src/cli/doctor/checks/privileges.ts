import { readMissingPrivileges, type Privilege } from '../../../log/read-missing-privileges.ts';
import { readRole } from '../../../log/read-role.ts';
import { readWideGrants } from '../../../log/read-wide-grants.ts';
import { rolePrivileges } from '../../role-privileges.ts';
import type { Check } from '../check.ts';
import { found, type Finding } from '../finding.ts';
import { isPrintable } from '../../printable.ts';
import { quoting, shellWord } from '../sql-text.ts';

/** What the role in use may do, what it has to do, and what others may do that nobody should. */
export const checkPrivileges: Check = {
  name: 'privileges',
  needs: 'schema',
  async look({ db, settings }) {
    const role = await readRole(db);
    const wide = await readWideGrants(db);
    const quoted = await quoting(db, [role.name, role.owner, ...wide.map((grant) => grant.role)]);
    const [name, owner] = [quoted(role.name), quoted(role.owner)];
    const findings: Finding[] = [];
    const missing = await readMissingPrivileges(db, needed());
    if (missing.length > 0)
      findings.push(
        found(
          'PERMISSION_MISSING',
          `The role ${name} lacks: ${missing.map(({ privilege, object }) => `${privilege} on ${object}`).join(', ')}.`,
          `As the owner, ${owner}, run what \`commitcast grants --relay ${argument(role.name)}\` prints.`,
        ),
      );
    if (settings.retention !== undefined && !role.owns)
      findings.push(
        found(
          'RETENTION_NOT_OWNER',
          `COMMITCAST_RETENTION is set, and the role ${name} is no member of ${owner}, which owns the log.`,
          `Whoever leads drops: grant ${owner} to ${name}; or relay as the owner (commitcast relay) and set COMMITCAST_RELAY=off and no retention here.`,
        ),
      );
    if (role.superuser)
      findings.push(
        found(
          'ROLE_IS_SUPERUSER',
          `The role ${name} is a superuser.`,
          'Run instances as a role of their own: `commitcast grants --relay ROLE` prints what it needs.',
        ),
      );
    for (const { table, role: whose, privilege } of wide) {
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

/** `grants` takes no name that a terminal would act on. */
function argument(role: string): string {
  return isPrintable(role) ? shellWord(role) : 'ROLE';
}

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
