/**
 * What is known of a unit, and how its events change it: the same rules as the demo's read model, so that a state that
 * was loaded and one that was followed are the same.
 *
 * @typedef {object} Unit
 * @property {string} [site]
 * @property {string} [name]
 * @property {string} [kind]
 * @property {number} [limit]
 * @property {number[]} series the last readings
 * @property {string} [readAt] time of the last one
 * @property {number} [number] of the last one
 * @property {string} [alarmSince] of the alarm that is open
 * @property {number} [alarms] raised so far, where that is known
 * @property {boolean} [doorOpen]
 * @property {string} [type] of its last event
 *
 * @typedef {import('./read-model.js').ModelUnit} ModelUnit
 */

const maxSeries = 48;

/**
 * A unit as the read model tells it; kind and the like are known from elsewhere.
 *
 * @param {ModelUnit} told
 * @param {Unit | undefined} known
 * @returns {Unit}
 */
export function unitOfModel(told, known) {
  /** @type {Unit} */
  const unit = { ...known, series: [...told.series], alarms: told.alarms, doorOpen: told.doorOpen };
  assign(unit, 'site', told.siteId);
  assign(unit, 'name', told.name);
  assign(unit, 'limit', told.limit);
  assign(unit, 'readAt', told.readAt);
  assign(unit, 'number', told.number);
  assign(unit, 'alarmSince', told.alarmSince);
  if (told.alarmSince === null) delete unit.alarmSince;
  if (told.number === null) delete unit.number;
  return unit;
}

/**
 * A unit without events; what it is stays.
 *
 * @param {Unit} known
 * @returns {Unit}
 */
export function blankUnit(known) {
  const { site } = known;
  return { ...described(known), ...(site === undefined ? {} : { site }), series: [], alarms: 0 };
}

/**
 * Takes an event in.
 *
 * @param {Unit} unit
 * @param {import('./ledger.js').Event} event
 */
export function evolve(unit, { type, site, time, data }) {
  unit.type = type;
  if (site !== undefined) unit.site = site;
  Object.assign(unit, described(data));
  switch (type) {
    case 'reading.recorded':
      if (typeof data?.temperature !== 'number') return;
      unit.readAt = time;
      unit.series.push(data.temperature);
      if (unit.series.length > maxSeries) unit.series.shift();
      if (typeof data.number === 'number') unit.number = data.number;
      return;
    case 'alarm.raised':
      unit.alarmSince ??= time;
      if (unit.alarms !== undefined) unit.alarms++;
      return;
    case 'alarm.cleared':
      delete unit.alarmSince;
      return;
    case 'door.opened':
    case 'door.closed':
      unit.doorOpen = type === 'door.opened';
  }
}

/**
 * What a unit, or one of its events, tells of it for good.
 *
 * @param {any} told
 * @returns {Partial<Unit>}
 */
export function described(told) {
  /** @type {Partial<Unit>} */
  const unit = {};
  if (typeof told?.name === 'string') unit.name = told.name;
  if (typeof told?.kind === 'string') unit.kind = told.kind;
  if (typeof told?.limit === 'number') unit.limit = told.limit;
  return unit;
}

/**
 * Over the last readings: rising, falling, or steady, which is less than half a degree.
 *
 * @param {Unit} unit
 * @returns {'rising' | 'falling' | 'steady' | undefined}
 */
export function trendOf({ series }) {
  const last = series.at(-1);
  const before = series.at(-4) ?? series[0];
  if (last === undefined || before === undefined || series.length < 2) return undefined;
  const change = last - before;
  return change >= 0.5 ? 'rising' : change <= -0.5 ? 'falling' : 'steady';
}

/**
 * @template {keyof Unit} Key
 * @param {Unit} unit
 * @param {Key} key
 * @param {Unit[Key] | null} value
 */
function assign(unit, key, value) {
  if (value !== null) unit[key] = value;
}
