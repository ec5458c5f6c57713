/**
 * What the page has got, and what it can check by itself. State and cursor are kept together in one item of
 * sessionStorage: whichever moment a reload comes at, what is shown then and what is replayed then fit exactly.
 *
 * @typedef {object} Event
 * @property {number} position
 * @property {string} id
 * @property {string} type
 * @property {string} org
 * @property {string} [site]
 * @property {string} [unit]
 * @property {string} time
 * @property {any} data
 *
 * @typedef {{ event: Event, replayed: boolean }} EventRow
 * @typedef {{ mark: string }} MarkRow
 * @typedef {EventRow | MarkRow} Row
 *
 * @typedef {object} Unit
 * @property {string} [site]
 * @property {string} [name]
 * @property {string} [kind]
 * @property {number} [limit]
 * @property {number[]} series
 * @property {boolean} [alarm]
 * @property {boolean} [doorOpen]
 * @property {number} [number] of its last reading
 * @property {string} [type] of its last event
 */

export const maxRows = 500;
const maxSeries = 48;

const nothing = () => ({
  /** @type {string | undefined} */
  cursor: undefined,
  /** @type {import('./scope.js').Subscription[] | undefined} what the cursor is over */
  followed: undefined,
  /** @type {Row[]} the newest first */
  rows: [],
  /** Position of the last event. */
  last: 0,
  counts: { received: 0, replayed: 0, twice: 0, disordered: 0, missing: 0, ghosts: 0 },
  /** Readings have numbers, so that the page can tell whether one is missing. */
  numbered: false,
  /** @type {number | undefined} */
  rolledBack: undefined,
  /** @type {Record<string, Unit>} */
  units: {},
  /** @type {Record<string, { name?: string, alarm?: boolean }>} */
  sites: {},
});

export class Ledger {
  #key;
  #state = nothing();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saving;

  /** @param {string} org */
  constructor(org) {
    this.#key = `commitcast:ledger:${org}`;
    try {
      Object.assign(this.#state, JSON.parse(sessionStorage.getItem(this.#key) ?? '{}'));
    } catch {
      // Of another version, or cut off: start anew.
    }
  }

  get state() {
    return this.#state;
  }

  /**
   * @param {import('./session.js').Org['sites']} sites
   */
  expect(sites = []) {
    for (const { id, name, units } of sites) {
      this.#state.sites[id] = { ...this.#state.sites[id], name };
      for (const unit of units) {
        const known = this.#state.units[unit.id] ?? { series: [] };
        this.#state.units[unit.id] = { ...known, site: id, name: unit.name, ...pick(unit) };
      }
    }
  }

  /**
   * @param {readonly Event[]} events
   * @param {string} cursor
   * @param {boolean} replayed
   * @returns {EventRow[]} what is new, in rising position
   */
  receive(events, cursor, replayed) {
    const { counts } = this.#state;
    const rows = [];
    for (const event of events) {
      if (event.position <= this.#state.last) {
        if (this.#has(event.id)) {
          counts.twice++;
          continue;
        }
        counts.disordered++;
      }
      this.#state.last = event.position;
      counts.received++;
      if (replayed) counts.replayed++;
      this.#learn(event);
      const row = { event, replayed };
      this.#push(row);
      rows.push(row);
    }
    this.moveTo(cursor);
    return rows;
  }

  /**
   * @param {string} text
   * @returns {MarkRow}
   */
  mark(text) {
    const row = { mark: text };
    this.#push(row);
    this.#saveSoon();
    return row;
  }

  /** @param {string} cursor */
  moveTo(cursor) {
    this.#state.cursor = cursor;
    this.#saveSoon();
  }

  /**
   * Another scope: which reading of a unit comes next is not known any more.
   *
   * @param {import('./scope.js').Subscription[]} subscriptions
   */
  follow(subscriptions) {
    this.#state.followed = subscriptions;
    for (const unit of Object.values(this.#state.units)) delete unit.number;
    this.#saveSoon();
  }

  /** All that was built from events is void. */
  clear() {
    const { followed } = this.#state;
    this.#state = { ...nothing(), followed };
    this.#saveSoon();
  }

  save() {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(this.#state));
    } catch {
      // Full: the older state stays, with the older cursor that belongs to it.
    }
  }

  #saveSoon() {
    this.#saving ??= setTimeout(() => this.save(), 1_000);
  }

  /** @param {Row} row */
  #push(row) {
    this.#state.rows.unshift(row);
    if (this.#state.rows.length > maxRows) this.#state.rows.length = maxRows;
  }

  /** @param {string} id */
  #has(id) {
    return this.#state.rows.some((row) => 'event' in row && row.event.id === id);
  }

  /** @param {Event} event */
  #learn({ type, site, unit, data }) {
    if (type === 'ghost.appended') this.#state.counts.ghosts++;
    if (type === 'rollback.counted' && Number.isInteger(data?.count)) this.#state.rolledBack = data.count;
    const alarm = type === 'alarm.raised' ? true : type === 'alarm.cleared' ? false : undefined;
    if (unit === undefined) {
      if (site !== undefined)
        this.#state.sites[site] = { ...this.#state.sites[site], ...(alarm === undefined ? {} : { alarm }) };
      return;
    }
    const known = (this.#state.units[unit] ??= { series: [] });
    known.type = type;
    if (site !== undefined) {
      known.site = site;
      this.#state.sites[site] ??= {};
    }
    Object.assign(known, pick(data));
    if (alarm !== undefined) known.alarm = alarm;
    if (type === 'door.opened' || type === 'door.closed') known.doorOpen = type === 'door.opened';
    if (typeof data?.temperature === 'number' && type === 'reading.recorded')
      this.#read(known, data.temperature, data.number);
  }

  /**
   * @param {Unit} unit
   * @param {number} temperature
   * @param {unknown} number
   */
  #read(unit, temperature, number) {
    unit.series.push(temperature);
    if (unit.series.length > maxSeries) unit.series.shift();
    if (typeof number !== 'number') return;
    this.#state.numbered = true;
    if (unit.number !== undefined) this.#state.counts.missing += Math.max(0, number - unit.number - 1);
    unit.number = number;
  }
}

/**
 * The fields of a unit that it, or one of its events, tells.
 *
 * @param {any} told
 * @returns {Partial<Unit>}
 */
function pick(told) {
  /** @type {Partial<Unit>} */
  const unit = {};
  if (typeof told?.name === 'string') unit.name = told.name;
  if (typeof told?.kind === 'string') unit.kind = told.kind;
  if (typeof told?.limit === 'number') unit.limit = told.limit;
  if (typeof told?.alarm === 'boolean') unit.alarm = told.alarm;
  return unit;
}
