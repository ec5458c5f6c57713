import { z } from 'zod';
import type { EventDefinitions } from '../../core/define-events.ts';
import { CommitcastError } from '../../core/errors.ts';
import type { Schema } from '../../core/schema.ts';

/** The drafts that we ask for; all libraries of Standard JSON Schema should know them. */
export type Draft = 'draft-2020-12' | 'draft-07';

export type JsonSchema = Record<string, unknown>;

/** What a library adds that follows Standard JSON Schema, too. See https://standardschema.dev/json-schema. */
interface Converter {
  readonly jsonSchema?: { readonly input: (options: { readonly target: Draft }) => JsonSchema };
}

/** What to do for the libraries that do not do it themselves. */
const advice: Readonly<Record<string, string>> = {
  valibot: 'wrap the schema by `toStandardJsonSchema` of @valibot/to-json-schema',
};

/**
 * The data of a type as JSON Schema: as it is written and sent, which is what its schema takes.
 *
 * @throws {CommitcastError} `EVENT_INVALID` for a schema that its library cannot say as JSON Schema
 */
export function dataSchemaOf(
  { schemas, versions }: EventDefinitions,
  type: string,
  draft: Draft,
): JsonSchema {
  const schema = schemas[type];
  if (!schema) throw new Error(`${type} has no schema`);
  const version = versions[type] ?? 1;
  const { $schema, ...converted } = convert(schema, type, draft);
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: type,
    ...(version === 1 ? {} : { description: `Version ${version}` }),
    ...converted,
  };
}

function convert(schema: Schema, type: string, draft: Draft): JsonSchema {
  const { vendor, jsonSchema } = schema['~standard'] as Schema['~standard'] & Converter;
  try {
    if (jsonSchema) return jsonSchema.input({ target: draft });
    // zod/mini, and Zod before 4.2.
    if ('_zod' in schema) {
      const target = draft === 'draft-07' ? 'draft-7' : draft;
      return z.toJSONSchema(schema as unknown as z.ZodType, { io: 'input', target });
    }
  } catch (error) {
    throw unsayable(type, vendor, (error as Error).message, error);
  }
  const reason = advice[vendor] ?? 'this version of it does not offer Standard JSON Schema';
  throw unsayable(type, vendor, reason);
}

function unsayable(type: string, vendor: string, reason: string, cause?: unknown): CommitcastError {
  return new CommitcastError(
    'EVENT_INVALID',
    `The schema of ${type}, made with ${vendor}, cannot be said as JSON Schema: ${reason}`,
    { cause },
  );
}
