import { blankUnit, described, evolve, unitOfModel } from './unit-state.js';

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
 * @typedef {import('./unit-state.js').Unit} Unit
 */

export const maxRows = 500;

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
  /** Events up to here were in the units when they were loaded. */
  modelPosition: 0,
  /** @type {Record<string, { name?: string, alarm?: boolean }>} */
  sites: {},
});

export class Ledger {
  #key;
  #state = nothing();
  /** @type {Event[] | undefined} what has come while a state of the units is being loaded */
  #since;
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
        this.#state.units[unit.id] = { ...known, site: id, name: unit.name, ...described(unit) };
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
      this.#since?.push(event);
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

  /** A state of the units is being loaded that is at or after the present cursor: what comes from now on is kept. */
  expectModel() {
    this.#since ??= [];
  }

  /**
   * Takes a state of the units. What has come since it was asked for, and is not in it, follows: no hole, no overlap.
   *
   * @param {import('./read-model.js').Model} model
   */
  takeModel({ units, position }) {
    const known = this.#state.units;
    // One that is not told of has had no events, or its history was erased.
    this.#state.units = Object.fromEntries(Object.entries(known).map(([id, unit]) => [id, blankUnit(unit)]));
    for (const told of units) this.#state.units[told.id] = unitOfModel(told, known[told.id]);
    this.#state.modelPosition = position;
    for (const event of this.#since ?? []) this.#evolve(event);
    this.#since = undefined;
    this.#saveSoon();
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
    this.#since = undefined;
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
  #learn(event) {
    const { type, site, unit, data } = event;
    if (type === 'ghost.appended') this.#state.counts.ghosts++;
    if (type === 'rollback.counted' && Number.isInteger(data?.count)) this.#state.rolledBack = data.count;
    if (unit !== undefined) {
      this.#check(event);
      this.#evolve(event);
    } else if (site !== undefined) {
      const alarm = type === 'alarm.raised' ? true : type === 'alarm.cleared' ? false : undefined;
      this.#state.sites[site] = { ...this.#state.sites[site], ...(alarm === undefined ? {} : { alarm }) };
    }
  }

  /**
   * Whether the reading is the one after the last one; also where the last one was in the state that was loaded.
   *
   * @param {Event} event
   */
  #check({ unit = '', position, type, data }) {
    if (type !== 'reading.recorded' || typeof data?.number !== 'number') return;
    this.#state.numbered = true;
    const last = this.#state.units[unit]?.number;
    if (last === undefined || position <= this.#state.modelPosition) return;
    this.#state.counts.missing += Math.max(0, data.number - last - 1);
    if (data.number <= last) this.#state.counts.twice++;
  }

  /** @param {Event} event */
  #evolve(event) {
    const { unit, site, position } = event;
    if (unit === undefined || position <= this.#state.modelPosition) return;
    if (site !== undefined) this.#state.sites[site] ??= {};
    evolve((this.#state.units[unit] ??= { series: [] }), event);
  }
}
