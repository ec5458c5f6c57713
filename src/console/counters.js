import { make, setText } from './dom.js';
import { countOf } from './words.js';

/** @typedef {import('./ledger.js').Ledger['state']} State */

/** @type {{ name: string, label: string, title: string, bad?: boolean, value: (state: State) => number | undefined }[]} */
const counters = [
  {
    name: 'received',
    label: 'received',
    title: 'Events that this tab has got',
    value: ({ counts }) => counts.received,
  },
  {
    name: 'replayed',
    label: 'of them replayed',
    title: 'Events that came after a reconnect or a reload, before live',
    value: ({ counts }) => counts.replayed,
  },
  {
    name: 'missing',
    label: 'missing',
    title:
      'Positions of other organizations leave gaps, so positions cannot tell. The demo numbers the readings of each unit: a number left out would count here',
    bad: true,
    value: ({ counts, numbered }) => (numbered ? counts.missing : undefined),
  },
  {
    name: 'twice',
    label: 'twice',
    title: `Events whose id this tab already had`,
    bad: true,
    value: ({ counts }) => counts.twice,
  },
  {
    name: 'disordered',
    label: 'out of order',
    title: 'Events with a position below the one before',
    bad: true,
    value: ({ counts }) => counts.disordered,
  },
  {
    name: 'ghosts',
    label: 'rolled back, yet arrived',
    title:
      'Transactions of this organization that the demo rolled back after they had appended, and how many of them were sent',
    bad: true,
    value: ({ counts, rolledBack }) => (rolledBack === undefined ? undefined : counts.ghosts),
  },
];

/** Numbers that prove continuity, as far as a page can. */
export class CountersView {
  /** @type {Map<string, { box: HTMLElement, value: HTMLElement, label: HTMLElement }>} */
  #boxes = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    for (const { name, label, title } of counters) {
      const value = make('dd', { 'data-counter': name }, '–');
      const term = make('dt', {}, label);
      const box = make('div', { title }, term, value);
      this.#boxes.set(name, { box, value, label: term });
      root.append(box);
    }
  }

  /** @param {State} state */
  draw(state) {
    for (const { name, bad, value } of counters) {
      const box = this.#boxes.get(name);
      const amount = value(state);
      if (!box) continue;
      setText(box.value, amount === undefined ? '–' : countOf(amount));
      if (!bad) continue;
      box.box.toggleAttribute('data-bad', (amount ?? 0) > 0);
      box.box.toggleAttribute('data-good', amount === 0);
      if (name === 'ghosts' && state.rolledBack !== undefined)
        setText(box.label, `of ${countOf(state.rolledBack)} rolled back arrived`);
    }
  }
}
