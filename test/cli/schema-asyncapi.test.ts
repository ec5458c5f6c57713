import { readFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { defineEvents } from '../../src/core/define-events.ts';
import { append } from '../../src/log/append.ts';
import { erase } from '../../src/log/erase.ts';
import { readWholeLog } from '../../src/testing/read-whole-log.ts';
import { z } from 'zod';
import { createDatabase } from '../support/database.ts';
import { examples, runSchema, takes, zodModule } from './schema-modules.ts';

type Reference = { $ref: string };
interface Document {
  asyncapi: string;
  info: Record<string, string>;
  channels: Record<
    string,
    { address: string; parameters: Record<string, { location: string }>; messages: Record<string, Reference> }
  >;
  operations: Record<string, { action: string; channel: Reference; messages: Reference[] }>;
  components: {
    messages: Record<string, { name: string; contentType: string; payload: Reference }>;
    schemas: Record<string, object>;
  };
}

let document: Document;

/** Of another copy of the module, for what is not written by this file. */
const print = async (...args: string[]) => {
  const { stdout, stderr } = await runSchema(zodModule, ['--format', 'asyncapi', ...args]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Document;
};

beforeEach(async () => {
  document ??= await print();
});

/** What a reference of the document leads to. */
function resolve({ $ref }: Reference): unknown {
  const parts = $ref.slice(2).split('/');
  return parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
}

/** All references, wherever they are. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

/** The schema of a message, by the type of its events, with all that it refers to. */
function payloadOf(type: string): object {
  const found = Object.values(document.components.messages).find(({ name }) => name === type);
  return {
    ...(found && (resolve(found.payload) as object)),
    components: { schemas: document.components.schemas },
  };
}

it('has the parts that AsyncAPI 3 asks for, and its title and version are the caller’s', async () => {
  expect(Object.keys(document)).toEqual([
    'asyncapi',
    'info',
    'defaultContentType',
    'channels',
    'operations',
    'components',
  ]);
  expect(document.asyncapi).toBe('3.0.0');
  expect(document.info).toMatchObject({ title: 'Events', version: '1.0.0' });
  expect((await print('--title', 'Fleet', '--version', '2.1.0')).info).toMatchObject({
    title: 'Fleet',
    version: '2.1.0',
  });
});

it('every reference leads somewhere, and names of components have the characters that they may have', () => {
  const all = references(document);
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter(($ref) => resolve({ $ref }) === undefined)).toEqual([]);
  const { messages, schemas } = document.components;
  const names = [...Object.keys(messages), ...Object.keys(schemas)];
  expect(names.filter((name) => !/^[\w.-]+$/.test(name))).toEqual([]);
});

it('the rooms of org, site and unit are its channels, to each of which the server sends each message', () => {
  const { channels, operations, components } = document;
  expect(Object.fromEntries(Object.entries(channels).map(([name, { address }]) => [name, address]))).toEqual({
    org: 'org:{org}',
    site: 'org:{org}:site:{site}',
    unit: 'org:{org}:unit:{unit}',
  });
  const names = Object.keys(components.messages);
  for (const { address, parameters, messages } of Object.values(channels)) {
    expect(Object.keys(parameters)).toEqual([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    for (const [name, { location }] of Object.entries(parameters))
      expect(location).toBe(`$message.payload#/${name}`);
    expect(Object.keys(messages)).toEqual(names);
  }
  for (const { action, channel, messages } of Object.values(operations)) {
    expect(action).toBe('send');
    const sent = Object.keys((resolve(channel) as Document['channels'][string]).messages);
    expect(messages.map(({ $ref }) => $ref)).toEqual(sent.map((name) => `${channel.$ref}/messages/${name}`));
  }
  expect(Object.values(components.messages).map(({ name }) => name)).toEqual(Object.keys(examples));
});

it('types whose names differ in a sign only have messages of their own', () => {
  expect(Object.keys(document.components.messages)).toContain('load_changed_m_');
  expect(Object.keys(document.components.messages)).toContain('load_changed_m__2');
});

it('takes the events that the log has, versions and erased ones included, and no others', async () => {
  const database = await createDatabase();
  const events = defineEvents({
    'door.opened': z.unknown(),
    'route.planned': { version: 2, schema: z.unknown() },
    'load changed/m³': z.unknown(),
    'load changed/m²': z.unknown(),
    'tree.grown': z.unknown(),
  });
  for (const [type, { good }] of Object.entries(examples))
    for (const data of good)
      await append(
        database.pool,
        events.create({
          type: type as 'door.opened',
          org: 'acme',
          site: 's1',
          unit: 'u1',
          stream: 's',
          data,
        }),
      );
  const log = await readWholeLog(database.pool);
  await erase(database.pool, { org: 'acme' });
  const erased = (await readWholeLog(database.pool)).filter(({ type }) => type in examples);
  expect(erased).toHaveLength(log.length);
  for (const event of [...log, ...erased])
    expect(await takes(payloadOf(event.type), event), JSON.stringify(event)).toBe(true);

  const [first] = log;
  const wrong: Partial<Record<keyof CommitcastEvent, unknown>>[] = [
    { position: '7' },
    { id: 'no uuid' },
    { type: 'door.closed' },
    { org: 'a:b' },
    { time: 'today' },
    { version: 0 },
    { meta: { schemaVersion: 2 } },
    ...(examples['door.opened']?.bad ?? []).map((data) => ({ data })),
  ];
  for (const fields of wrong)
    expect(await takes(payloadOf('door.opened'), { ...first, ...fields }), JSON.stringify(fields)).toBe(
      false,
    );
  const planned = log.find(({ type }) => type === 'route.planned');
  for (const meta of [undefined, {}, { schemaVersion: 1 }, { schemaVersion: 3 }])
    expect(await takes(payloadOf('route.planned'), { ...planned, meta }), JSON.stringify(meta)).toBe(false);
});

it('says of an event all that the wire has', () => {
  const source = readFileSync(new URL('../../src/core/event.ts', import.meta.url), 'utf8');
  const declared = /interface CommitcastEvent<.*?\{(.*?)^\}/ms.exec(source)?.[1] ?? '';
  const fields = [...declared.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  for (const type of Object.keys(examples)) {
    const { properties } = payloadOf(type) as { properties: object };
    expect(Object.keys(properties)).toEqual(fields);
  }
});
