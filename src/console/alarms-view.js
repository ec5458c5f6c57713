import { make, setText } from './dom.js';
import { countOf, secondOf } from './words.js';

/** @typedef {import('./unit-state.js').Unit} Unit */

/** The alarms that are open, the longest first: what comes is at the end, so that nothing moves under a finger. */
export class AlarmsView {
  #root;
  #choose;
  #title = make('h2', { id: 'alarms-title' });
  #list = make('ul');
  /** @type {Map<string, { item: HTMLElement, name: HTMLElement, value: HTMLElement, note: HTMLElement }>} */
  #items = new Map();

  /**
   * @param {HTMLElement} root
   * @param {(subscription: import('./scope.js').Subscription) => void} choose
   */
  constructor(root, choose) {
    this.#root = root;
    this.#choose = choose;
    root.append(this.#title, this.#list);
  }

  /** @param {Record<string, Unit>} units */
  draw(units) {
    const known = Object.entries(units);
    const open = known
      .flatMap(([id, unit]) => (unit.alarmSince === undefined ? [] : [{ id, unit, since: unit.alarmSince }]))
      .sort((one, other) => Date.parse(one.since) - Date.parse(other.since));
    // Who has no alarms at all is not to be told of them.
    this.#root.hidden = !known.some(([, { alarms, alarmSince }]) => alarms !== undefined || alarmSince);
    setText(this.#title, open.length === 0 ? 'No open alarms' : `Open alarms: ${countOf(open.length)}`);
    this.#root.toggleAttribute('data-open', open.length > 0);
    for (const [id, { item }] of this.#items) {
      if (open.some((each) => each.id === id)) continue;
      item.remove();
      this.#items.delete(id);
    }
    for (const [index, { id, unit, since }] of open.entries()) {
      const { item, name, value, note } = this.#itemOf(id);
      setText(name, unit.name ?? id);
      setText(value, degrees(unit.series.at(-1)));
      const limit = unit.limit === undefined ? '' : `limit ${degrees(unit.limit)}, `;
      setText(note, `${limit}since ${secondOf(since)}`);
      if (this.#list.children[index] !== item)
        this.#list.insertBefore(item, this.#list.children[index] ?? null);
    }
  }

  /** @param {string} id */
  #itemOf(id) {
    const known = this.#items.get(id);
    if (known) return known;
    const [name, value, note] = [make('b'), make('strong'), make('small')];
    const button = make('button', { type: 'button', 'data-alarm-of': id }, name, value, note);
    button.addEventListener('click', () => this.#choose({ unit: id }));
    const made = { item: make('li', {}, button), name, value, note };
    this.#items.set(id, made);
    return made;
  }
}

/** @param {number | undefined} value */
function degrees(value) {
  return value === undefined ? '–' : `${value.toFixed(1)}°`;
}
