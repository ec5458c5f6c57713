import type { CommitcastEvent } from '../../client/index.ts';
import { countOf, plural } from '../words.ts';

/** The colour of a type's tag, by what its name says. */
export function toneOf(type: string): string | undefined {
  if (/\.(?:raised|failed)$/.test(type)) return 'bad';
  if (/\.(?:cleared|resolved)$/.test(type)) return 'good';
  if (type.startsWith('door.')) return 'warn';
  if (/^(?:shift|rollback)\./.test(type)) return 'violet';
  return undefined;
}

/**
 * What the data of the demo's events says, in a line. Everybody else's may have the same types and other fields: what is
 * not of the expected form is shown as it is.
 */
export function summaryOf({ type, data }: Pick<CommitcastEvent, 'type' | 'data'>): string {
  const { temperature, pressure, recorded, limit, units, by, shift, team, count } = fieldsOf(data);
  const parts = [
    typeof temperature === 'number' && `${temperature.toFixed(1)} °C`,
    typeof pressure === 'number' && `${pressure.toFixed(1)} hPa`,
    typeof recorded === 'string' && recordedTime(recorded),
    type.startsWith('alarm.') && typeof limit === 'number' && `limit ${limit.toFixed(1)} °C`,
    type.startsWith('alarm.') && typeof units === 'number' && `${plural(units, 'unit')} above the limit`,
    type.startsWith('door.') && typeof by === 'string' && `by ${by}`,
    typeof shift === 'number' && typeof team === 'string' && `shift ${shift}, ${team}`,
    type === 'rollback.counted' && typeof count === 'number' && `${countOf(count)} rolled back, never sent`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? parts.join(' · ') : (JSON.stringify(data) ?? '').slice(0, 300);
}

function fieldsOf(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A local time without a zone, of no year in particular. */
function recordedTime(recorded: string): string {
  const parts = /^\d{4}-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(recorded);
  return parts ? `${Number(parts[2])} ${months[Number(parts[1]) - 1]} ${parts[3]}` : recorded;
}
