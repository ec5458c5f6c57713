import { make, setText } from './dom.js';
import { keyOf, reaches, wholeOrg } from './scope.js';
import { UnitCard } from './unit-card.js';
import { plural } from './words.js';

/**
 * @typedef {import('./scope.js').Subscription} Subscription
 */

const elsewhere = '';

/** Sites and their units; each of them, and the whole org, is a scope to choose. */
export class UnitsView {
  #root;
  #choose;
  /** @type {Map<string, { section: HTMLElement, title: HTMLButtonElement, alarm: HTMLElement, cards: HTMLElement }>} */
  #sites = new Map();
  /** @type {Map<string, UnitCard>} */
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
    const units = Object.values(state.units);
    for (const [id, { name, alarm }] of Object.entries(state.sites)) {
      const site = this.#siteOf(id);
      setText(site.title, name ?? id);
      const open = units.filter((unit) => unit.site === id && unit.alarmSince !== undefined).length;
      const alarms = open > 0 && plural(open, 'alarm');
      setText(site.alarm, [alarm && 'site alarm', alarms].filter(Boolean).join(' · '));
      site.alarm.hidden = site.alarm.textContent === '';
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
    const alarm = make('span', { class: 'site-alarm' });
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
      card = new UnitCard(id, this.#scopeButton({ unit: id }, 'card'));
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
