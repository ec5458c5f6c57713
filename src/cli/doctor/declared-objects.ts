import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SchemaObject } from '../../log/read-schema-objects.ts';
import type { Trigger } from '../../log/read-triggers.ts';

/** The same folder from `src/cli/doctor` and from `dist/cli/doctor`. */
const migrationsFolder = fileURLToPath(new URL('../../../migrations', import.meta.url));

const comments = /--.*$/gm;
const statements = new RegExp(
  [
    String.raw`\b(create|drop) (?:or replace )?(?:unlogged )?(table|view|sequence|function|domain|type) commitcast\.(\w+)`,
    // Not into the next statement.
    String.raw`\b(create|drop) (?:constraint )?trigger (\w+)[^;]*?\bon commitcast\.(\w+)`,
  ].join('|'),
  'g',
);

export interface DeclaredObjects {
  objects: SchemaObject[];
  triggers: Pick<Trigger, 'table' | 'name'>[];
}

/** What the migrations make, and have not dropped again, as their text says. */
export function declaredObjects(): DeclaredObjects {
  // Made by the migrator itself.
  const objects = new Map<string, SchemaObject>([['table migration', { kind: 'table', name: 'migration' }]]);
  const triggers = new Map<string, Pick<Trigger, 'table' | 'name'>>();
  for (const [, verb, word, name = '', triggerVerb, trigger = '', table = ''] of readMigrations().matchAll(
    statements,
  )) {
    if (word !== undefined) {
      const kind = (word === 'domain' ? 'type' : word) as SchemaObject['kind'];
      if (verb === 'create') objects.set(`${kind} ${name}`, { kind, name });
      else objects.delete(`${kind} ${name}`);
    } else if (triggerVerb === 'create') triggers.set(`${table} ${trigger}`, { table, name: trigger });
    else triggers.delete(`${table} ${trigger}`);
  }
  return { objects: [...objects.values()], triggers: [...triggers.values()] };
}

function readMigrations(): string {
  const files = readdirSync(migrationsFolder)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  return files
    .map((file) => readFileSync(join(migrationsFolder, file), 'utf8').replaceAll(comments, ''))
    .join('\n');
}
