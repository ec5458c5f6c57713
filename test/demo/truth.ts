import type { TestDatabase } from '../support/database.ts';

/** What a row of the read model says, as the log tells it. */
export interface TrueUnit {
  id: string;
  name: string | null;
  temperature: number | null;
  number: number | null;
  readAt: string | null;
  series: number[];
  alarmSince: string | null;
  alarms: number;
  doorOpen: boolean;
  position: number;
}

interface Row {
  position: string;
  unit_id: string;
  type: string;
  created_at: Date;
  data: { name?: string; temperature?: number; number?: number };
}

const maxSeries = 48;

/**
 * The units of an org from the log up to a position, event by event, by a few lines that know nothing of the demo's own.
 * Data that was erased by an erasure at or before the position counts for nothing, nor does anything before it.
 */
export async function foldLog(
  database: TestDatabase,
  org: string,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<TrueUnit[]> {
  const { rows } = await database.pool.query<Row>(
    `select position, unit_id, type, created_at, data from commitcast.log
     where org_id = $1 and position <= $2
       and (type like 'reading.%' or type like 'alarm.%' or type like 'door.%') and unit_id is not null
       and position > coalesce((
         select max(erasure.position) from commitcast.log erasure
         where erasure.type = 'commitcast.erased' and erasure.org_id = $1 and erasure.position <= $2
           and coalesce(erasure.data->>'stream', log.stream) is not distinct from log.stream), 0)
     order by position`,
    [org, upTo],
  );
  const units = new Map<string, TrueUnit>();
  for (const { unit_id: id, position, type, created_at, data } of rows) {
    const unit = units.get(id) ?? empty(id);
    units.set(id, unit);
    unit.position = Number(position);
    unit.name = data.name ?? unit.name;
    if (type === 'reading.recorded' && data.temperature !== undefined) {
      unit.temperature = data.temperature;
      unit.number = data.number ?? null;
      unit.readAt = created_at.toISOString();
      unit.series.push(data.temperature);
      if (unit.series.length > maxSeries) unit.series.shift();
    }
    if (type === 'alarm.raised') {
      unit.alarms++;
      unit.alarmSince ??= created_at.toISOString();
    }
    if (type === 'alarm.cleared') unit.alarmSince = null;
    if (type.startsWith('door.')) unit.doorOpen = type === 'door.opened';
  }
  return [...units.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

function empty(id: string): TrueUnit {
  return {
    id,
    name: null,
    temperature: null,
    number: null,
    readAt: null,
    series: [],
    alarmSince: null,
    alarms: 0,
    doorOpen: false,
    position: 0,
  };
}
