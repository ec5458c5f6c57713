import { describe, expect, it } from 'vitest';
import { examples, runSchema, takes, zodModule } from './schema-modules.ts';

type Json = Record<string, unknown>;

async function schemasOf(content: string, file?: string): Promise<Record<string, Json>> {
  const { stdout, stderr, code } = await runSchema(content, [], file);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, Json>;
}

describe('schema', () => {
  it('prints the JSON Schema of what each type takes: examples pass, others do not', async () => {
    const schemas = await schemasOf(zodModule);
    expect(Object.keys(schemas)).toEqual(Object.keys(examples));
    for (const [type, { good, bad }] of Object.entries(examples)) {
      const { $schema, ...schema } = schemas[type] ?? {};
      expect($schema).toBe('https://json-schema.org/draft/2020-12/schema');
      expect(schema['title']).toBe(type);
      expect(schema['description']).toBe(type === 'route.planned' ? 'Version 2' : undefined);
      for (const value of good) expect(await takes(schema, value), JSON.stringify(value)).toBe(true);
      for (const value of bad) expect(await takes(schema, value), JSON.stringify(value)).toBe(false);
    }
  });

  it('takes zod/mini, and any library that follows Standard JSON Schema', async () => {
    const schemas = await schemasOf(`
      import { defineEvents } from 'commitcast/client';
      import * as v from 'valibot';
      import * as z from 'zod/mini';
      const { '~standard': standard } = v.object({ by: v.string() });
      const input = ({ target }) => ({ type: 'object', properties: { by: { type: 'string' } }, $comment: target });
      const converted = { '~standard': { ...standard, jsonSchema: { input, output: () => ({}) } } };
      const mini = z.object({ by: z.string(), forced: z._default(z.boolean(), false) });
      export const events = defineEvents({ mini, converted });`);
    expect(schemas['mini']).toMatchObject({ title: 'mini', type: 'object', required: ['by'] });
    expect(schemas['converted']).toEqual({
      title: 'converted',
      type: 'object',
      properties: { by: { type: 'string' } },
      $comment: 'draft-2020-12',
    });
  });

  it.each([
    ['valibot', 'v.object({})', 'wrap the schema by `toStandardJsonSchema` of @valibot/to-json-schema'],
    ['zod', 'z.object({ at: z.date() })', 'Date cannot be represented in JSON Schema'],
    ['zod', 'z.object({ n: z.bigint() })', 'BigInt cannot be represented in JSON Schema'],
    ['own', 'own', 'this version of it does not offer Standard JSON Schema'],
  ])('says which type of which library cannot be printed: %s, %s', async (vendor, schema, reason) => {
    const { stdout, stderr, code } = await runSchema(`
      import { defineEvents } from 'commitcast/client';
      import * as v from 'valibot';
      import { z } from 'zod';
      const own = { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } };
      export const events = defineEvents({ good: z.object({}), 'door.opened': ${schema} });`);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr.split('\n')[0]).toBe(
      `EVENT_INVALID: The schema of door.opened, made with ${vendor}, cannot be said as JSON Schema: ${reason}`,
    );
  });

  it.each([
    ['as default', 'export default defineEvents({ a: z.null() });', 'events.mjs'],
    ['as events', 'export const events = defineEvents({ a: z.null() });', 'events.mjs'],
    ['of CommonJS', 'module.exports = { events: defineEvents({ a: z.null() }) };', 'events.cjs'],
    ['of CommonJS, whole', 'module.exports = defineEvents({ a: z.null() });', 'events.cjs'],
  ])('finds what a module exports %s', async (_, line, file) => {
    const imports = file.endsWith('.cjs')
      ? `const { z } = require('zod');
         const own = (of) => Object.fromEntries(Object.keys(of).map((type) => [type, 1]));
         const defineEvents = (schemas) => ({ schemas, versions: own(schemas), parse() {}, create() {} });`
      : `import { z } from 'zod'; import { defineEvents } from 'commitcast/client';`;
    expect(await schemasOf(`${imports}\n${line}`, file)).toMatchObject({ a: { type: 'null' } });
  });

  it.each([
    [
      'nothing of the kind',
      'export const events = { a: 1 };',
      'events.mjs',
      'events.mjs exports neither as default',
    ],
    ['an error', `throw new Error('not today');`, 'events.mjs', 'events.mjs could not be loaded: not today'],
    ['TypeScript', 'export const a: number = 1;', 'events.tsx', 'NODE_OPTIONS="--import tsx"'],
  ])('refuses a module that has %s: USAGE', async (_, content, file, message) => {
    const { stdout, stderr, code } = await runSchema(content, [], file);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(/^USAGE: /);
    expect(stderr).toContain(message);
  });

  it.each([
    [['--format', 'openapi'], '--format is one of json-schema, asyncapi'],
    [['another.mjs'], 'one module is needed'],
    [['--org', 'acme'], 'Unknown option'],
  ])('refuses %j: USAGE', async (args, message) => {
    const { stderr, code } = await runSchema(zodModule, args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^USAGE: /);
    expect(stderr).toContain(message);
  });
});
