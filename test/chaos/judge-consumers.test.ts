import { expect, it } from 'vitest';
import type { Fact, SeenEvent } from '../support/history-checker.ts';
import type { ConsumerSpec } from './consumer-specs.ts';
import { judgeConsumers, judgeVersions, type ConsumerEvidence } from './judge-consumers.ts';
import { foldStep } from './read-model.ts';

const event = (position: number, org: string, rest: Partial<SeenEvent> = {}): SeenEvent => ({
  position,
  org,
  id: `e${position}`,
  type: 'changed',
  data: { position },
  ...rest,
});
const log = [
  event(1, 'acme', { stream: 's', version: 1 }),
  event(2, 'rival', { stream: 's', version: 1 }),
  event(4, 'acme', { stream: 's', version: 2 }),
  event(5, 'acme', { type: 'other' }),
  event(6, 'acme', { stream: 's', version: 3 }),
];
const spec: ConsumerSpec = {
  name: 'copy',
  options: {},
  drizzle: false,
  rebuildable: false,
  fails: false,
  wants: ({ type }) => type === 'changed',
  laneOf: ({ org }) => org,
};
const due = log.filter(spec.wants);

/** What a consumer has written that was handed these events, in this order. */
function written(events: readonly SeenEvent[]): ConsumerEvidence {
  const orgs = [...new Set(events.map(({ org }) => org))];
  return {
    specs: [spec],
    handled: events.map(({ org, position }) => ({ consumer: 'copy', lane: org, position })),
    readModels: orgs.map((org) => {
      const own = events.filter((each) => each.org === org);
      const fold = own.reduce(foldStep, '');
      return { consumer: 'copy', lane: org, events: own.length, last: own.at(-1)?.position ?? 0, fold };
    }),
  };
}

function found(judge: (find: (promise: string) => void) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  judge((promise) => {
    counts[promise] = (counts[promise] ?? 0) + 1;
  });
  return counts;
}

const judged = (evidence: ConsumerEvidence) =>
  found((find) => {
    judgeConsumers(log, evidence, find);
  });
const without = (position: number) => due.filter((each) => each.position !== position);
const at = (position: number) => log.filter((each) => each.position === position);

it('finds nothing wrong with a read model that is the fold of the log, nor with a lane that was taken back', () => {
  const evidence = written(due);
  expect(judged(evidence)).toEqual({});
  const emptied = { consumer: 'copy', lane: 'gone', events: 0, last: 0, fold: '' };
  expect(judged({ ...evidence, readModels: [...evidence.readModels, emptied] })).toEqual({});
});

const defects: [string, ConsumerEvidence, Record<string, number>][] = [
  ['has left an event out', written(without(4)), { unhandled: 1, misfolded: 1 }],
  ['has not come to the end', written(without(6)), { unhandled: 1, misfolded: 1 }],
  ['has left a whole lane out', written(without(2)), { unhandled: 1, misfolded: 1 }],
  ['has applied an event twice', written([...due, ...at(6)]), { rehandled: 1, misfolded: 1 }],
  [
    'has two events of a lane in the wrong order',
    written([...at(1), ...at(2), ...at(6), ...at(4)]),
    { disordered: 1, misfolded: 1 },
  ],
  ['was given what its filter excludes', written(log), { foreign: 1, misfolded: 1 }],
  ['was given what nobody committed', written([...due, event(7, 'acme')]), { ghosts: 1, misfolded: 1 }],
  [
    'was given other data than the log has',
    written(due.map((each) => (each.position === 4 ? { ...each, data: 'other' } : each))),
    { misfolded: 1 },
  ],
  ['has lost its read model, but not its lines', { ...written(due), readModels: [] }, { misfolded: 2 }],
];

it.for(defects)('finds a consumer that %s', ([, evidence, expected]) => {
  expect(judged(evidence)).toEqual(expected);
});

it('lets lanes overtake each other', () => {
  expect(judged(written([...at(2), ...at(1), ...at(4), ...at(6)]))).toEqual({});
  expect(judged(written([...at(1), ...at(4), ...at(6), ...at(2)]))).toEqual({});
});

const told = (id: string, version: number) => ({ id, version }) as Fact;
const facts = [told('e1', 1), told('e2', 1), told('e4', 2), told('e6', 3)];
const versions = (events: readonly SeenEvent[], business = facts) =>
  found((find) => judgeVersions(events, business, find));
const change = (position: number, version: number) =>
  log.map((each) => (each.position === position ? { ...each, version } : each));

it('wants versions dense from 1, per org and stream, in the order of positions, as their writers have seen them', () => {
  expect(versions(log)).toEqual({});
  expect(versions(change(1, 2))).toEqual({ misversioned: 2 });
  expect(versions(change(6, 4))).toEqual({ misversioned: 1 });
  expect(versions(change(6, 2))).toEqual({ misversioned: 1 });
  expect(versions(log, facts.toSpliced(2, 1, told('e4', 7)))).toEqual({ misversioned: 1 });
});
