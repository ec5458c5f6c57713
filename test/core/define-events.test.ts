import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvents } from '../../src/core/define-events.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { Schema } from '../../src/core/schema.ts';

/** A schema of no library, which says what it is told to. */
function schema(validate: (value: unknown) => unknown): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } };
}

function event(type: string, data: unknown): CommitcastEvent {
  return { position: 7, id: 'an id', type, org: 'acme', time: '2026-07-01T12:00:00.000Z', data };
}

const events = defineEvents({
  'door.opened': z.object({ by: z.string(), forced: z.boolean().default(false) }),
  'route.planned': z.object({ stops: z.array(z.object({ at: z.string().transform(Number) })) }),
});

/** The error, as it is told. */
function refusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
}

describe('parse', () => {
  it('gives readers what the schema makes of the data, and leaves the event that it was given as it is', () => {
    const sent = event('route.planned', { stops: [{ at: '12' }] });
    expect(events.parse(sent)).toEqual({ ...sent, data: { stops: [{ at: 12 }] } });
    expect(sent.data).toEqual({ stops: [{ at: '12' }] });
    expect(events.parse(event('door.opened', { by: 'kim' })).data).toEqual({ by: 'kim', forced: false });
  });

  it('passes types that are not defined as they are', () => {
    const sent = event('door.closed', { by: 7 });
    expect(events.parse(sent)).toBe(sent);
  });

  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])(
    'takes %s for a type that is not defined, though every object has it',
    (type) => {
      const sent = event(type, null);
      expect(events.parse(sent)).toBe(sent);
      expect(refusal(() => events.create({ type, org: 'acme', data: null } as never))).toBe(
        `EVENT_INVALID type: ${type} is not defined`,
      );
    },
  );

  it('passes data that was erased, which no schema knows', () => {
    const sent = event('door.opened', { $erased: '1b4e28ba-2fa1-11d2-883f-0016d3cca427' });
    expect(events.parse(sent)).toBe(sent);
  });

  it('says of each problem where it is', () => {
    expect(refusal(() => events.parse(event('door.opened', { forced: 'no' })))).toMatch(
      /^EVENT_INVALID door\.opened: data\.by: [^;]+; data\.forced: [^;]+$/,
    );
    expect(refusal(() => events.parse(event('route.planned', { stops: [{ at: '1' }, { at: 2 }] })))).toMatch(
      /^EVENT_INVALID route\.planned: data\.stops\.1\.at: [^;]+$/,
    );
    expect(refusal(() => events.parse(event('door.opened', null)))).toMatch(
      /^EVENT_INVALID door\.opened: data: [^;]+$/,
    );
  });

  it('knows both forms of a path of Standard Schema, and a problem without one', () => {
    const issues = [{ message: 'one', path: ['a', { key: 0 }, { key: Symbol('s') }] }, { message: 'two' }];
    const own = defineEvents({ own: schema(() => ({ issues })) });
    expect(refusal(() => own.parse(event('own', {})))).toBe(
      'EVENT_INVALID own: data.a.0.Symbol(s): one; data: two',
    );
  });

  it('refuses a schema that answers later, because the order would depend on it', () => {
    const late = defineEvents({ late: schema(async (value) => ({ value })) });
    const message = 'EVENT_INVALID data of late: its schema is asynchronous, which is not supported';
    expect(refusal(() => late.parse(event('late', {})))).toBe(message);
    expect(refusal(() => late.create({ type: 'late', org: 'acme', data: {} }))).toBe(message);
  });
});

describe('create', () => {
  it('returns what is to be appended as it is, so that what the log has can be parsed by every reader', () => {
    const written = {
      type: 'route.planned' as const,
      org: 'acme',
      unit: 'truck-7',
      data: { stops: [{ at: '12' }] },
    };
    const created = events.create(written);
    expect(created).toEqual(written);
    const stored: unknown = JSON.parse(JSON.stringify(created.data));
    expect(events.parse(event('route.planned', stored)).data).toEqual({ stops: [{ at: 12 }] });
  });

  it('refuses data that is not as the schema wants it, and types that are not defined', () => {
    const wrong = { type: 'door.opened', org: 'acme', data: { by: 7 } } as never;
    expect(refusal(() => events.create(wrong))).toMatch(/^EVENT_INVALID door\.opened: data\.by: /);
    const unknown = { type: 'door.closed', org: 'acme', data: {} } as never;
    expect(refusal(() => events.create(unknown))).toBe('EVENT_INVALID type: door.closed is not defined');
  });
});
