import { make, setText } from './dom.js';
import { keyOf, reaches, wholeOrg } from './scope.js';
import { Sparkline } from './sparkline.js';

/**
 * @typedef {import('./scope.js').Subscription} Subscription
 * @typedef {import('./ledger.js').Unit} Unit
 */

const elsewhere = '';

/** Sites and their units; each of them, and the whole org, is a scope to choose. */
export class UnitsView {
  #root;
  #choose;
  /** @type {Map<string, { section: HTMLElement, title: HTMLButtonElement, alarm: HTMLElement, cards: HTMLElement }>} */
  #sites = new Map();
  /** @type {Map<string, Card>} */
  #cards = new Map();
  #org = this.#scopeButton(wholeOrg, 'whole');

  /**
   * @param {HTMLElement} root
   * @param {(subscription: Subscription) => void} choose
   */
  constructor(root, choose) {
    this.#root = root;
    this.#choose = choose;
  }

  /** @param {string} name */
  clear(name) {
    this.#sites.clear();
    this.#cards.clear();
    this.#org.replaceChildren(name, make('small', {}, 'all sites and units'));
    this.#root.replaceChildren(this.#org);
  }

  /**
   * @param {import('./ledger.js').Ledger['state']} state
   * @param {readonly Subscription[]} followed
   */
  draw(state, followed) {
    for (const [id, unit] of Object.entries(state.units)) {
      const card = this.#cardOf(id, unit.site ?? elsewhere);
      card.draw(unit);
      card.element.toggleAttribute('data-away', !followed.some((each) => reaches(each, unit.site, id)));
    }
    for (const [id, { name, alarm }] of Object.entries(state.sites)) {
      const site = this.#siteOf(id);
      setText(site.title, name ?? id);
      site.alarm.hidden = !alarm;
    }
    const chosen = new Set(followed.map(keyOf));
    for (const button of this.#root.querySelectorAll('button[data-scope]'))
      button.setAttribute('aria-pressed', String(chosen.has(button.getAttribute('data-scope') ?? '')));
  }

  /** @param {string} id */
  #siteOf(id) {
    const known = this.#sites.get(id);
    if (known) return known;
    const title = this.#scopeButton({ site: id, deep: true }, 'site');
    title.append(id);
    title.hidden = id === elsewhere;
    const alarm = make('span', { class: 'site-alarm' }, 'site alarm');
    alarm.hidden = true;
    const cards = make('div', { class: 'cards' });
    const section = make('section', {}, make('h3', {}, title, alarm), cards);
    const made = { section, title, alarm, cards };
    this.#sites.set(id, made);
    this.#root.append(section);
    return made;
  }

  /**
   * @param {string} id
   * @param {string} site
   */
  #cardOf(id, site) {
    let card = this.#cards.get(id);
    if (!card) {
      card = new Card(id, this.#scopeButton({ unit: id }, 'card'));
      this.#cards.set(id, card);
    }
    const { cards } = this.#siteOf(site);
    if (card.element.parentElement !== cards) cards.append(card.element);
    return card;
  }

  /**
   * @param {Subscription} subscription
   * @param {string} kind
   */
  #scopeButton(subscription, kind) {
    const button = make('button', { type: 'button', class: kind, 'data-scope': keyOf(subscription) });
    button.addEventListener('click', () => this.#choose(subscription));
    return button;
  }
}

class Card {
  element;
  #id;
  #name = make('b');
  #value = make('strong');
  #note = make('small');
  #spark = new Sparkline();

  /**
   * @param {string} id
   * @param {HTMLButtonElement} element
   */
  constructor(id, element) {
    this.#id = id;
    this.element = element;
    element.setAttribute('data-unit', id);
    element.append(this.#name, this.#value, this.#spark.element, this.#note);
  }

  /** @param {Unit} unit */
  draw({ name, kind, limit, series, alarm, doorOpen, type }) {
    const last = series.at(-1);
    setText(this.#name, name ?? this.#id);
    setText(this.#value, last === undefined ? (kind || !type ? '–' : type) : `${last.toFixed(1)}°`);
    this.#value.toggleAttribute('data-text', last === undefined && type !== undefined && !kind);
    const notes = [alarm && limit !== undefined ? `above ${limit}°` : kind, doorOpen ? 'open' : undefined];
    setText(this.#note, notes.filter((note) => note !== undefined).join(' · '));
    this.element.toggleAttribute('data-alarm', alarm === true);
    this.#spark.draw(series, limit);
  }
}
