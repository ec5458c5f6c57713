import { make, setText } from './dom.js';
import { countOf } from './words.js';

/** Says that the server makes its state of the units anew, and how far it is; the units go on by themselves meanwhile. */
export class Rebuild {
  #root;
  #bar = make('progress', { 'aria-label': 'Events of the log that the read model has taken in' });
  #numbers = make('span');
  #said = make('p', { role: 'status' });

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    root.append(this.#said, this.#bar, this.#numbers);
  }

  /** @param {{ position: number, head: number } | undefined} progress */
  draw(progress) {
    this.#root.hidden = progress === undefined;
    if (!progress) {
      setText(this.#said, '');
      return;
    }
    const { position, head } = progress;
    setText(this.#said, 'Read model rebuilding; this page goes on live.');
    setText(this.#numbers, `${countOf(position)} of ${countOf(head)}`);
    this.#bar.max = head;
    this.#bar.value = position;
  }
}
