import { readTriggers, type Trigger } from '../../../log/read-triggers.ts';
import type { Check } from '../check.ts';
import { declaredObjects } from '../declared-objects.ts';
import { found, type Finding } from '../finding.ts';
import { quoting, type Quote } from '../sql-text.ts';

const modes: Readonly<Record<Exclude<Trigger['mode'], 'A'>, string>> = {
  O: 'does not fire in sessions whose session_replication_role is replica',
  R: 'fires only in sessions whose session_replication_role is replica',
  D: 'is disabled',
};

/** Positions, guards and the append-only log are triggers: each must be there, and fire in every session. */
export const checkTriggers: Check = {
  name: 'triggers',
  needs: 'schema',
  async look({ db }) {
    const present = await readTriggers(db);
    const declared = declaredObjects().triggers;
    const isOurs = ({ table, name }: Pick<Trigger, 'table' | 'name'>) =>
      declared.some((each) => each.table === tableOf(table) && each.name === name);
    const missing = declared.filter(
      ({ table, name }) => !present.some((each) => each.table === table && each.name === name),
    );
    const quoted = await quoting(
      db,
      present.flatMap(({ table, name }) => [table, name]),
    );
    return [
      ...missing.map(({ table, name }) =>
        found(
          'TRIGGER_OFF',
          `The trigger ${name} of commitcast.${table} is missing.`,
          `Make it again, and enable it always, as the newest file in migrations/ that has it does: grep -n 'trigger ${name}' node_modules/commitcast/migrations/*.sql`,
        ),
      ),
      ...present.flatMap((trigger) => (isOurs(trigger) ? judgeMode(trigger) : [foreign(trigger, quoted)])),
    ];
  },
};

/** Partitions have the triggers of the log. */
function tableOf(table: string): string {
  return /^log_\d+$/.test(table) ? 'log' : table;
}

function judgeMode({ table, name, mode }: Trigger): Finding[] {
  if (mode === 'A') return [];
  return [
    found(
      'TRIGGER_OFF',
      `The trigger ${name} of commitcast.${table} ${modes[mode]}.`,
      `As the owner: alter table commitcast.${table} enable always trigger ${name}. What was inserted meanwhile has been neither guarded nor published.`,
    ),
  ];
}

function foreign({ table, name }: Trigger, quoted: Quote): Finding {
  const on = `${quoted(name)} on commitcast.${quoted(table)}`;
  return found(
    'OBJECT_FOREIGN',
    `The trigger ${on} was made by no migration.`,
    `Follow the log with a consumer instead, and drop it: drop trigger ${on}. It runs inside the commits of others.`,
  );
}
