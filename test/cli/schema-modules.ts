import Fastify from 'fastify';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCli } from '../support/cli.ts';

const root = new URL('../../', import.meta.url).pathname;

/** Events of many forms, made with Zod. */
export const zodModule = `
import { defineEvents } from 'commitcast/client';
import { z } from 'zod';

const Node = z.object({ name: z.string(), get parts() { return z.array(Node); } });

export const events = defineEvents({
  'door.opened': z.object({ by: z.string(), forced: z.boolean().default(false) }),
  'route.planned': {
    version: 2,
    schema: z.object({ stops: z.array(z.string()), at: z.iso.datetime().transform((text) => new Date(text)) }),
    upcast: { 1: ({ stop, at }) => ({ stops: [stop], at }) },
  },
  'load changed/m³': z.number(),
  'load changed/m²': z.number().nullable(),
  'tree.grown': z.object({ root: Node }),
});
`;

/** What each of them takes, and what it does not. */
export const examples: Record<string, { good: unknown[]; bad: unknown[] }> = {
  'door.opened': { good: [{ by: 'kim' }, { by: 'kim', forced: true }], bad: [{}, { by: 7 }, null] },
  'route.planned': {
    good: [{ stops: [], at: '2026-07-01T12:00:00Z' }],
    bad: [{ stops: [] }, { stop: 'harbour', at: '2026-07-01T12:00:00Z' }, { stops: [], at: 7 }],
  },
  'load changed/m³': { good: [4.5], bad: ['4.5', null] },
  'load changed/m²': { good: [4.5, null], bad: ['4.5'] },
  'tree.grown': {
    good: [{ root: { name: 'a', parts: [{ name: 'b', parts: [] }] } }],
    bad: [{ root: { name: 'a', parts: [{ name: 7, parts: [] }] } }, { root: { name: 'a' } }],
  },
};

/** Runs `commitcast schema` on a module that stands where the package's own name and its libraries are found. */
export async function runSchema(content: string, args: string[] = [], file = 'events.mjs') {
  const folder = await mkdtemp(join(root, 'dist/.schema-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, file), content);
  return runCli(['schema', file, ...args], { cwd: folder });
}

/** Whether a JSON Schema of draft 07, and what later ones have of it, takes the value: as Fastify judges. */
export async function takes(schema: object, value: unknown): Promise<boolean> {
  const customOptions = {
    strict: false,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
  } as const;
  const app = Fastify({ ajv: { customOptions } });
  app.post('/', { schema: { body: schema } }, () => 'taken');
  const { statusCode } = await app.inject({
    method: 'POST',
    url: '/',
    payload: JSON.stringify(value),
    headers: { 'content-type': 'application/json' },
  });
  await app.close();
  if (statusCode !== 200 && statusCode !== 400)
    throw new Error(`the schema itself is refused: ${statusCode}`);
  return statusCode === 200;
}
