import type { EventDefinitions } from '../../core/define-events.ts';
import { dataSchemaOf, type JsonSchema } from './data-schema.ts';
import { eventSchemaOf, tombstone } from './event-schema.ts';

export interface AsyncApiOptions {
  readonly title: string;
  /** Of the events, by their owner's own counting. */
  readonly version: string;
}

const description =
  `Events that transactions have committed, in commit order. A client names rooms, and gets the events of
all of them over one Socket.IO connection, as \`events\` with two arguments: an array of these messages, and the cursor
after the last of them. The wire has no headers: all that is said of an event is in its payload. An event that was written
as an older version is sent as it was written, with that version in \`meta.schemaVersion\`.`.replaceAll(
    '\n',
    ' ',
  );

/** What is about an org, a site or a unit, and where it says so. */
const rooms = {
  org: { address: 'org:{org}', about: 'an organization itself' },
  site: { address: 'org:{org}:site:{site}', about: 'a site' },
  unit: { address: 'org:{org}:unit:{unit}', about: 'a unit' },
} as const;

/**
 * The events as an AsyncAPI 3 document, from the server's side: it sends, to the room of each scope. An event says by its
 * fields which room it is about, not by its type, so each channel may have each message.
 * See https://www.asyncapi.com/docs/reference/specification/v3.0.0.
 *
 * @throws {CommitcastError} as `dataSchemaOf`
 */
export function asyncApiOf(definitions: EventDefinitions, { title, version }: AsyncApiOptions): JsonSchema {
  const keys = keysOf(Object.keys(definitions.schemas));
  const messages = Object.fromEntries(
    [...keys].map(([type, key]) => [
      key,
      { name: type, title: type, contentType: 'application/json', payload: refTo('schemas', `${key}.event`) },
    ]),
  );
  return {
    asyncapi: '3.0.0',
    info: { title, version, description },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      Object.entries(rooms).map(([scope, room]) => [scope, channelOf(scope, room, [...keys.values()])]),
    ),
    operations: Object.fromEntries(
      Object.entries(rooms).map(([scope, { about }]) => [
        `${scope}Events`,
        {
          action: 'send',
          summary: `Events about ${about}`,
          channel: { $ref: `#/channels/${scope}` },
          messages: [...keys.values()].map((key) => ({ $ref: `#/channels/${scope}/messages/${key}` })),
        },
      ]),
    ),
    components: { messages, schemas: schemasOf(definitions, keys) },
  };
}

function channelOf(
  scope: string,
  { address, about }: { address: string; about: string },
  keys: string[],
): JsonSchema {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    address,
    title: scope,
    description: `The room of ${about}: a subscription to it, or a \`deep\` one to what is around it.`,
    parameters: Object.fromEntries(
      names.map((name) => [
        name,
        { description: `Id of the ${name}`, location: `$message.payload#/${name}` },
      ]),
    ),
    messages: Object.fromEntries(keys.map((key) => [key, refTo('messages', key)])),
  };
}

function schemasOf(definitions: EventDefinitions, keys: ReadonlyMap<string, string>): JsonSchema {
  const entries = [...keys].flatMap(([type, key]): [string, JsonSchema][] => {
    const { $schema: _, ...data } = dataSchemaOf(definitions, type, 'draft-07');
    const refs = [`${key}.data`, 'erased'].map((name) => refTo('schemas', name).$ref);
    return [
      [`${key}.event`, eventSchemaOf(type, definitions.versions[type] ?? 1, refs)],
      [`${key}.data`, rebase(data, refs[0] ?? '') as JsonSchema],
    ];
  });
  return Object.fromEntries([['erased', tombstone], ...entries]);
}

const refTo = (kind: 'messages' | 'schemas', key: string) => ({ $ref: `#/components/${kind}/${key}` });

/** References within a document that is now a part of another one. */
function rebase(schema: unknown, base: string): unknown {
  if (Array.isArray(schema)) return schema.map((each) => rebase(each, base));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]: [string, unknown]) =>
      name === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? [name, `${base}${value.slice(1)}`]
        : [name, rebase(value, base)],
    ),
  );
}

/** Names of components have few characters; types of events have any. */
function keysOf(types: readonly string[]): Map<string, string> {
  const keys = new Map<string, string>();
  const taken = new Set<string>();
  for (const type of types) {
    const plain = type.replaceAll(/[^\w.-]/g, '_');
    let key = plain;
    for (let n = 2; taken.has(key); n++) key = `${plain}_${n}`;
    taken.add(key);
    keys.set(type, key);
  }
  return keys;
}
