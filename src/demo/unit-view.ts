import type { CommitcastEvent } from '../core/event.ts';
import { unitView } from './schema.ts';

/** What the events so far say of a unit. */
export type UnitView = typeof unitView.$inferSelect;

/** The types that change it. */
export const unitViewTypes = [
  'reading.recorded',
  'alarm.raised',
  'alarm.cleared',
  'door.opened',
  'door.closed',
] as const;

/** Readings that the trend is drawn from. */
export const maxSeries = 48;

const nothing = {
  siteId: null,
  name: null,
  limit: null,
  temperature: null,
  number: null,
  readAt: null,
  series: [],
  alarmSince: null,
  alarms: 0,
  doorOpen: false,
  doorBy: null,
} satisfies Partial<UnitView>;

/**
 * The view of a unit after one more of its events. Anybody may append events of these types, also ones whose data has
 * another form, or was erased: what cannot be used is passed over, so that no event is poison.
 */
export function evolve(before: UnitView | undefined, event: CommitcastEvent & { unit: string }): UnitView {
  const { org, site, unit, position, type, time } = event;
  const data = (event.data ?? {}) as Record<string, unknown>;
  const { name, limit, temperature, number, by } = data;
  const view: UnitView = { ...nothing, ...before, orgId: org, id: unit, position };
  if (site !== undefined) view.siteId = site;
  if (typeof name === 'string') view.name = name;
  if (isFinite(limit)) view.limit = limit;
  switch (type) {
    case 'reading.recorded':
      if (!isFinite(temperature)) return view;
      return {
        ...view,
        temperature,
        number: isNumber(number) ? number : null,
        readAt: new Date(time),
        series: [...view.series, temperature].slice(-maxSeries),
      };
    case 'alarm.raised':
      return { ...view, alarmSince: view.alarmSince ?? new Date(time), alarms: view.alarms + 1 };
    case 'alarm.cleared':
      return { ...view, alarmSince: null };
    case 'door.opened':
    case 'door.closed':
      return { ...view, doorOpen: type === 'door.opened', doorBy: typeof by === 'string' ? by : null };
    default:
      return view;
  }
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}
