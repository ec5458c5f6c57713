/** @typedef {import('./ledger.js').Event} Event */

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
const grouped = new Intl.NumberFormat('en-US');

/** @param {string} time */
export function timeOf(time) {
  return clock.format(new Date(time));
}

const toSecond = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** @param {string} time */
export function secondOf(time) {
  return toSecond.format(new Date(time));
}

/** @param {number} value */
export function countOf(value) {
  return grouped.format(value);
}

/** @type {Record<string, string>} */
const resets = {
  expired: 'What happened meanwhile is not kept any more',
  epoch: 'The database has another history than before',
  unknown: 'The cursor is of another database',
};

/** @param {string} reason */
export function resetOf(reason) {
  return resets[reason] ?? reason;
}

/**
 * @param {number} amount
 * @param {string} noun
 */
export function plural(amount, noun) {
  return `${countOf(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

/**
 * The family of a type: it gives the badge its colour.
 *
 * @param {string} type
 */
export function familyOf(type) {
  if (/\.(?:raised|failed)$/.test(type)) return 'bad';
  if (/\.(?:cleared|resolved)$/.test(type)) return 'good';
  if (type.startsWith('door.')) return 'door';
  if (/^(?:shift|rollback)\./.test(type)) return 'org';
  return 'plain';
}

/**
 * What the data of the demo's events says, in a line. Everybody else's may have the same types and other fields: what
 * is not of the expected form is shown as it is.
 *
 * @param {Event} event
 */
export function summaryOf({ type, data }) {
  /** @type {Record<string, unknown>} */
  const { temperature, pressure, recorded, limit, units, by, shift, team, count } = data ?? {};
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
  return parts.length > 0 ? parts.join(' · ') : (JSON.stringify(data) ?? '');
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** @param {string} recorded a local time without a zone, of no year in particular */
function recordedTime(recorded) {
  const parts = /^\d{4}-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(recorded);
  return parts ? `${Number(parts[2])} ${months[Number(parts[1]) - 1]} ${parts[3]}` : recorded;
}
