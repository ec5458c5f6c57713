import type { JsonSchema } from './data-schema.ts';
import { versionKey } from '../../core/versioned-schema.ts';

const identifier = (description: string): JsonSchema => ({
  type: 'string',
  pattern: '^[A-Za-z0-9._~-]{1,128}$',
  description,
});

const text = (description: string): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description,
});

/** What stands for the data of an event that was erased. */
export const tombstone: JsonSchema = {
  type: 'object',
  description: 'The data was erased; this is the id of the erasure.',
  properties: { $erased: { type: 'string' } },
  required: ['$erased'],
  additionalProperties: false,
};

/** An event of a type as the wire has it (draft 07), whose data is as these references say. */
export function eventSchemaOf(type: string, version: number, data: readonly string[]): JsonSchema {
  const meta: JsonSchema = {
    type: 'object',
    properties: {
      [versionKey]: { const: version, description: 'Of the data; without it: 1.' },
      traceparent: { type: 'string', description: 'W3C Trace Context' },
      tracestate: { type: 'string', description: 'W3C Trace Context' },
    },
  };
  return {
    title: type,
    type: 'object',
    properties: {
      position: { type: 'integer', minimum: 1, description: 'Place in commit order.' },
      id: { type: 'string', format: 'uuid' },
      type: { const: type },
      org: identifier('Organization'),
      site: identifier('Site of the event, or of its unit'),
      unit: identifier('Unit'),
      stream: text('What the event belongs to, within its org'),
      version: { type: 'integer', minimum: 1, description: 'Of the stream, after this event' },
      time: { type: 'string', format: 'date-time', description: 'When it was inserted' },
      data: { anyOf: data.map(($ref) => ({ $ref })) },
      meta,
    },
    required: ['position', 'id', 'type', 'org', 'time', 'data'],
    // An erased event has no meta, so its version is not said.
    ...(version === 1
      ? {}
      : {
          if: { properties: { data: { $ref: data.at(-1) } } },
          else: { required: ['meta'], properties: { meta: { required: [versionKey] } } },
        }),
  };
}
