import { readSchemaObjects, type SchemaObject } from '../../../log/read-schema-objects.ts';
import type { Check } from '../check.ts';
import { declaredObjects } from '../declared-objects.ts';
import { found } from '../finding.ts';
import { quoting } from '../sql-text.ts';

/** Whether the schema holds what the migrations made, and nothing else. */
export const checkObjects: Check = {
  name: 'objects',
  needs: 'schema',
  async look({ db }) {
    const present = await readSchemaObjects(db);
    const { objects } = declaredObjects();
    const foreign = without(present, objects);
    const quoted = await quoting(
      db,
      foreign.map(({ name }) => name),
    );
    return [
      ...without(objects, present).map(({ kind, name }) =>
        found(
          'OBJECT_MISSING',
          `The ${kind} commitcast.${name} is missing.`,
          `Make it again, with its rights, from the newest file in migrations/ that has it: grep -l 'commitcast.${name}' node_modules/commitcast/migrations/*.sql`,
        ),
      ),
      ...foreign.map(({ kind, name }) =>
        found(
          'OBJECT_FOREIGN',
          `The ${kind} commitcast.${quoted(name)} was made by no migration.`,
          kind === 'table' || kind === 'view' || kind === 'sequence'
            ? `Move it to a schema of yours: alter ${kind} commitcast.${quoted(name)} set schema public. A later migration may want its name.`
            : `Make it in a schema of yours, and drop this one. A later migration may want its name.`,
        ),
      ),
    ];
  },
};

function without(all: readonly SchemaObject[], known: readonly SchemaObject[]): SchemaObject[] {
  const names = new Set(known.map(({ kind, name }) => `${kind} ${name}`));
  return all.filter(({ kind, name }) => !names.has(`${kind} ${name}`));
}
