import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvents } from '../../src/core/define-events.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';

function event(data: unknown, meta?: Record<string, unknown>, type = 'route.planned'): CommitcastEvent {
  const whole = { position: 7, id: 'an id', type, org: 'acme', time: '2026-07-01T12:00:00.000Z', data };
  return meta ? { ...whole, meta } : whole;
}

/** The error, as it is told. */
function refusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
}

// Version 1 had one stop, by its name; version 2 several; version 3 says of each when, as a text that is read as a number.
const upcast = {
  1: ({ stop }: { stop: string }) => ({ stops: [stop] }),
  2: ({ stops }: { stops: string[] }) => ({ stops: stops.map((name) => ({ name, at: '0' })) }),
};

const byZod = defineEvents({
  'door.opened': z.object({ by: z.string(), forced: z.boolean().default(false) }),
  'route.planned': {
    version: 3,
    schema: z.object({ stops: z.array(z.object({ name: z.string(), at: z.string().transform(Number) })) }),
    upcast,
  },
});
const byValibot = defineEvents({
  'door.opened': v.object({ by: v.string(), forced: v.optional(v.boolean(), false) }),
  'route.planned': {
    version: 3,
    schema: v.object({
      stops: v.array(v.object({ name: v.string(), at: v.pipe(v.string(), v.transform(Number)) })),
    }),
    upcast,
  },
});

describe.each([
  ['zod', byZod],
  ['valibot', byValibot],
])('with %s', (_, events) => {
  it('what is written is checked, and goes to the log as it is; what is read is what the schema makes of it', () => {
    const opened = { type: 'door.opened', org: 'acme', data: { by: 'kim' } } as const;
    expect(events.create(opened)).toBe(opened);
    expect(events.parse(event({ by: 'kim' }, undefined, 'door.opened')).data).toEqual({
      by: 'kim',
      forced: false,
    });
    expect(refusal(() => events.create({ ...opened, data: { by: 7 } } as never))).toMatch(
      /^EVENT_INVALID door\.opened: data\.by: [^;]+$/,
    );
  });

  it('create writes the newest version, and notes it in meta beside what is there', () => {
    const data = { stops: [{ name: 'harbour', at: '12' }] };
    const created = events.create({ type: 'route.planned', org: 'acme', data, meta: { by: 'kim' } });
    expect(created).toEqual({
      type: 'route.planned',
      org: 'acme',
      data,
      meta: { by: 'kim', schemaVersion: 3 },
    });
    expect(events.parse(event(created.data, created.meta)).data).toEqual({
      stops: [{ name: 'harbour', at: 12 }],
    });
    expect(
      refusal(() =>
        events.create({ type: 'route.planned', org: 'acme', data: { stop: 'harbour' } } as never),
      ),
    ).toMatch(/^EVENT_INVALID route\.planned: data\.stops: /);
  });

  it.each([
    ['nothing said, so version 1', undefined, { stop: 'harbour' }],
    ['version 1', { schemaVersion: 1 }, { stop: 'harbour' }],
    ['version 2', { schemaVersion: 2 }, { stops: ['harbour'] }],
    ['version 3', { schemaVersion: 3 }, { stops: [{ name: 'harbour', at: '0' }] }],
  ])('parse gives the newest version of what was written: %s', (_written, meta, data) => {
    const sent = event(data, meta);
    const before = structuredClone(sent);
    const parsed = events.parse(sent);
    expect(parsed).toEqual({
      ...sent,
      data: { stops: [{ name: 'harbour', at: 0 }] },
      meta: { schemaVersion: 3 },
    });
    expect(sent).toEqual(before);
  });

  it('parse leaves what else is in meta, and passes what was erased', () => {
    expect(events.parse(event({ stop: 'harbour' }, { by: 'kim' })).meta).toEqual({
      by: 'kim',
      schemaVersion: 3,
    });
    const erased = event({ $erased: '1b4e28ba-2fa1-11d2-883f-0016d3cca427' });
    expect(events.parse(erased)).toBe(erased);
  });

  it('what comes out of the steps is checked by the schema', () => {
    expect(refusal(() => events.parse(event({ stop: 7 })))).toMatch(
      /^EVENT_INVALID route\.planned: data\.stops\.0\.name: /,
    );
  });

  it('a version that is newer than the newest here is refused, and the message says so', () => {
    const message =
      'EVENT_INVALID route.planned: written as version 4, and only versions up to 3 are known here';
    expect(refusal(() => events.parse(event({}, { schemaVersion: 4 })))).toBe(message);
    // Also of a type that has no versions here.
    expect(refusal(() => events.parse(event({}, { schemaVersion: 2 }, 'door.opened')))).toBe(
      'EVENT_INVALID door.opened: written as version 2, and only versions up to 1 are known here',
    );
  });

  it.each([0, -1, 1.5, '2', null, {}])('%j is no version', (schemaVersion) => {
    const refused = refusal(() => events.parse(event({ stop: 'harbour' }, { schemaVersion })));
    // As everywhere, null is as if it were absent.
    if (schemaVersion === null) expect(refused).toMatchObject({ meta: { schemaVersion: 3 } });
    else expect(refused).toBe('EVENT_INVALID route.planned: meta.schemaVersion is no version');
  });
});

it('says for each type which version is written, and by which schema', () => {
  expect(byZod.versions).toEqual({ 'door.opened': 1, 'route.planned': 3 });
  expect(Object.keys(byZod.schemas)).toEqual(['door.opened', 'route.planned']);
  expect(byZod.schemas['route.planned'].safeParse({ stops: [] }).success).toBe(true);
});

it('a step that throws is told with its version and cause', () => {
  const broken = defineEvents({
    'route.planned': {
      version: 2,
      schema: z.unknown(),
      upcast: {
        1: ({ stop }: { stop: { name: string } }) => ({ name: stop.name }),
      },
    },
  });
  const cause: unknown = expect.any(TypeError);
  expect(() => broken.parse(event({}))).toThrow(
    expect.objectContaining({
      code: 'EVENT_INVALID',
      message: expect.stringMatching(
        /^route\.planned: the step from version 1 failed: TypeError: /,
      ) as string,
      cause,
    }),
  );
});

it('old versions that nobody reads any more need no steps, and are refused', () => {
  const later = defineEvents({
    'route.planned': {
      version: 4,
      schema: z.object({ stops: z.array(z.string()) }),
      upcast: { 3: (data: object) => data },
    },
    'door.opened': { version: 2, schema: z.object({}) },
  });
  expect(later.parse(event({ stops: [] }, { schemaVersion: 3 })).meta).toEqual({ schemaVersion: 4 });
  expect(refusal(() => later.parse(event({}, { schemaVersion: 2 })))).toBe(
    'EVENT_INVALID route.planned: written as version 2, which is not read here any more',
  );
  expect(refusal(() => later.parse(event({}, undefined, 'door.opened')))).toBe(
    'EVENT_INVALID door.opened: written as version 1, which is not read here any more',
  );
});

it('create says 1 where somebody had said something else', () => {
  const opened = { type: 'door.opened', org: 'acme', data: { by: 'kim' } } as const;
  expect(byZod.create({ ...opened, meta: { schemaVersion: 9 } }).meta).toEqual({ schemaVersion: 1 });
});

it.each<[what: string, version: number, steps: Record<number, (data: never) => unknown>]>([
  ['version 0', 0, {}],
  ['half a version', 1.5, {}],
  ['no number', Number.NaN, {}],
  ['a step missing in between', 4, { 1: () => null, 3: () => null }],
  ['the last step missing', 3, { 1: () => null }],
  ['a step from the newest', 2, { 1: () => null, 2: () => null }],
  ['a step from version 0', 1, { 0: () => null }],
  ['a step from half a version', 2, { 1.5: () => null }],
  ['a step from a name', 2, { one: () => null } as object as Record<number, () => null>],
])('definitions are refused at once: %s', (_, version, steps) => {
  const define = () => defineEvents({ 'route.planned': { version, schema: z.unknown(), upcast: steps } });
  expect(refusal(define)).toMatch(/^EVENT_INVALID route\.planned: version is a whole number from 1/);
});
