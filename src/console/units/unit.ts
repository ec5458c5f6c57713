import type { CommitcastEvent } from '../../client/index.ts';

/** What the events so far say of a unit: a row of the read model, as `GET /demo/units` gives it. */
export interface Unit {
  readonly id: string;
  readonly siteId: string | null;
  readonly name: string | null;
  /** Degrees Celsius, as are temperatures. */
  readonly limit: number | null;
  readonly temperature: number | null;
  /** Of the last reading: they are numbered without a gap. */
  readonly number: number | null;
  readonly readAt: string | null;
  /** The last readings, the oldest first. */
  readonly series: readonly number[];
  /** Of the alarm that is open. */
  readonly alarmSince: string | null;
  /** Raised so far. */
  readonly alarms: number;
  readonly doorOpen: boolean;
  readonly doorBy: string | null;
}

/** The types that change a unit. */
export const unitTypes: ReadonlySet<string> = new Set([
  'reading.recorded',
  'alarm.raised',
  'alarm.cleared',
  'door.opened',
  'door.closed',
]);

export const maxSeries = 48;

/** A unit that nothing is known of. */
export function blankUnit(id: string): Unit {
  return {
    id,
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
  };
}

/**
 * The unit after one more of its events, by the rules of the read model: a state that was loaded and one that was
 * followed are the same. Anybody may append such events, with data of another form: what cannot be used is passed over.
 */
export function evolve(before: Unit, { type, site, time, data }: CommitcastEvent): Unit {
  const { name, limit, temperature, number, by } = fieldsOf(data);
  const unit = {
    ...before,
    siteId: site ?? before.siteId,
    name: typeof name === 'string' ? name : before.name,
    limit: isFinite(limit) ? limit : before.limit,
  };
  switch (type) {
    case 'reading.recorded':
      if (!isFinite(temperature)) return unit;
      return {
        ...unit,
        temperature,
        number: isNumber(number) ? number : null,
        readAt: time,
        series: [...unit.series, temperature].slice(-maxSeries),
      };
    case 'alarm.raised':
      return { ...unit, alarmSince: unit.alarmSince ?? time, alarms: unit.alarms + 1 };
    case 'alarm.cleared':
      return { ...unit, alarmSince: null };
    case 'door.opened':
    case 'door.closed':
      return { ...unit, doorOpen: type === 'door.opened', doorBy: typeof by === 'string' ? by : null };
    default:
      return unit;
  }
}

export type Trend = 'rising' | 'falling' | 'steady';

/** Over the last readings; steady is less than half a degree. */
export function trendOf({ series }: Pick<Unit, 'series'>): Trend | undefined {
  const last = series.at(-1);
  const before = series.at(-4) ?? series[0];
  if (last === undefined || before === undefined || series.length < 2) return undefined;
  const change = last - before;
  return change >= 0.5 ? 'rising' : change <= -0.5 ? 'falling' : 'steady';
}

function fieldsOf(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}
