import { make } from './dom.js';
import { maxRows } from './ledger.js';
import { countOf, familyOf, summaryOf, timeOf } from './words.js';

/** @typedef {import('./ledger.js').Row} Row */

/** The list of events, the newest first, of bounded length. */
export class StreamView {
  #list;
  /** @type {(site: string | undefined, unit: string | undefined) => string} */
  #nameOf;

  /**
   * @param {HTMLElement} list
   * @param {(site: string | undefined, unit: string | undefined) => string} nameOf
   */
  constructor(list, nameOf) {
    this.#list = list;
    this.#nameOf = nameOf;
  }

  /** @param {readonly Row[]} rows the newest first */
  show(rows) {
    this.#list.replaceChildren(...rows.map((row) => this.#elementOf(row)));
  }

  /**
   * @param {readonly Row[]} rows rising
   * @returns {HTMLElement | undefined} the newest
   */
  add(rows) {
    const elements = rows.map((row) => this.#elementOf(row)).reverse();
    for (const element of elements) element.classList.add('new');
    this.#list.prepend(...elements);
    while (this.#list.childElementCount > maxRows) this.#list.lastElementChild?.remove();
    return elements[0];
  }

  /** @param {Row} row */
  #elementOf(row) {
    if ('mark' in row) return make('li', { class: 'mark' }, row.mark);
    const { event, replayed } = row;
    const { position, type, site, unit, time } = event;
    const item = make(
      'li',
      { 'data-position': String(position), 'data-family': familyOf(type) },
      make('span', { class: 'position' }, countOf(position)),
      make('time', { datetime: time }, timeOf(time)),
      make('span', { class: 'type' }, make('span', {}, type)),
      make('span', { class: 'scope' }, this.#nameOf(site, unit)),
      make('span', { class: 'summary' }, summaryOf(event)),
    );
    item.toggleAttribute('data-replayed', replayed);
    if (replayed) item.append(make('span', { class: 'tag' }, 'replayed'));
    return item;
  }
}
