import { expect, it } from 'vitest';
import type { EventRow } from '../../src/log/event-row.ts';
import { toEvent } from '../../src/log/event-row.ts';
import { eventOf, toWireEvent } from '../../src/log/wire-event.ts';

const row: EventRow = {
  position: '7',
  id: '0b0e7a3e-0000-4000-8000-000000000000',
  org_id: 'acme',
  site_id: 's1',
  unit_id: 'u~1',
  type: 'say "hi" \\ \u2028',
  data: '{"a": [1, "\\"", null]}',
  stream: 'order "7"',
  version: '3',
  meta: '{"by": "kim"}',
  created_at: '2026-11-23 14:58:16.123456+00',
  control: false,
  committed_at: null,
};

it('the text of an event is the event, whatever its fields hold', () => {
  expect(eventOf(toWireEvent(row))).toEqual(toEvent(row));
  const bare = { ...row, site_id: null, unit_id: null, stream: null, version: null, meta: null };
  expect(eventOf(toWireEvent(bare))).toEqual(toEvent(bare));
  expect(Object.keys(eventOf(toWireEvent(bare)))).toEqual(['position', 'id', 'type', 'org', 'time', 'data']);
});

it('numbers are sent as they were said, beyond what a double holds', () => {
  const data = '{"n": 9007199254740993, "m": 0.1234567890123456789012345}';
  expect(toWireEvent({ ...row, data }).json).toContain(data);
});

it('but not those so long that guarded parsers refuse them: these are sent as doubles', () => {
  const { json } = toWireEvent({ ...row, data: `[1${'0'.repeat(300)}, "1${'0'.repeat(300)}"]` });
  expect(json).toContain(`"data":[1e+300,"1${'0'.repeat(300)}"]`);
});

it('its size is that of the text', () => {
  const event = toWireEvent({ ...row, data: '"日本"' });
  expect(event.bytes).toBe(Buffer.byteLength(event.json));
});
