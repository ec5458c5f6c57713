import { setText } from './dom.js';
import { plural } from './words.js';

/** What was missed and is caught up on: a line of the stream, and one above it, tell how it went. */
export class Gap {
  #output;
  /** @type {number | undefined} */
  #since;
  #replayed = 0;
  #text = '';
  /** @type {{ mark: string } | undefined} */
  #row;
  /** @type {HTMLElement | undefined} */
  #line;

  /** @param {HTMLElement} output */
  constructor(output) {
    this.#output = output;
  }

  /** Whether the stream has its line already. */
  get isMarked() {
    return this.#row !== undefined;
  }

  /**
   * @param {string} text what ends when it is closed
   * @param {number} [since]
   */
  open(text, since) {
    this.#since = since;
    this.#replayed = 0;
    this.#text = text;
    this.#row = undefined;
    this.#line = undefined;
  }

  /**
   * @param {{ mark: string }} row
   * @param {HTMLElement} [line]
   */
  mark(row, line) {
    this.#row = row;
    this.#line = line;
  }

  /** There is nothing to catch up on: the line stays as it is. */
  forget() {
    this.#text = '';
  }

  /** @param {number} events */
  count(events) {
    this.#replayed += events;
  }

  /** @param {string} text */
  tell(text) {
    setText(this.#output, text);
  }

  close() {
    const row = this.#row;
    if (row && this.#text !== '') {
      const away =
        this.#since === undefined ? '' : ` after ${((performance.now() - this.#since) / 1_000).toFixed(1)} s`;
      const replayed =
        this.#replayed === 0 ? 'nothing was missed' : `${plural(this.#replayed, 'event')} replayed`;
      row.mark = `${this.#text}${away}: ${replayed}`;
      if (this.#line) setText(this.#line, row.mark);
    }
    this.tell(row?.mark ?? '');
    this.open('');
  }
}
