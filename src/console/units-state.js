import { ReadModel } from './read-model.js';
import { Rebuild } from './rebuild.js';

/**
 * Keeps the ledger's units true: loaded by HTTP, followed on from the cursor that they stand for. They are loaded where
 * a tab begins, where it comes back, after a reset, and where something else is followed than before; after a mere
 * reconnect there is no need.
 *
 *   distrusted --a cursor from where all is followed--> loading (what comes is kept) --state and what came--> followed
 */
export class UnitsState {
  #model;
  #isOffered;
  #ledger;
  #onTaken;
  #distrusted = false;

  /**
   * @param {object} options
   * @param {import('./read-model.js').Source} options.source
   * @param {() => import('./ledger.js').Ledger} options.ledger the one that is shown
   * @param {HTMLElement} options.progress
   * @param {() => void} options.onTaken
   */
  constructor({ source, ledger, progress, onTaken }) {
    const rebuild = new Rebuild(progress);
    this.#model = new ReadModel(source, (at) => rebuild.draw(at));
    this.#isOffered = () => source.url() !== undefined;
    this.#ledger = ledger;
    this.#onTaken = onTaken;
  }

  /**
   * For a tab that begins: afterwards the ledger has the state and its cursor, or is to be followed from now.
   *
   * @returns {Promise<boolean>} whether that is still wanted
   */
  async begin() {
    const ledger = this.#ledger();
    this.distrust();
    const model = await this.#model.present();
    if (ledger !== this.#ledger()) return false;
    if (model) {
      this.#distrusted = false;
      ledger.moveTo(model.cursor);
      this.#take(model);
    }
    return true;
  }

  /**
   * Everything after this cursor comes by the socket: loads the units as they were there, or later.
   *
   * @param {string} cursor
   */
  async load(cursor) {
    this.distrust();
    this.#distrusted = false;
    const ledger = this.#ledger();
    const model = await this.#model.at(cursor);
    if (model && ledger === this.#ledger()) this.#take(model);
  }

  /**
   * From here all that is followed comes by the socket.
   *
   * @param {string} cursor
   */
  live(cursor) {
    if (this.#distrusted) void this.load(cursor);
  }

  /** What is known, or being loaded, does not fit what is followed now. */
  distrust() {
    this.#model.stop();
    this.#distrusted = this.#isOffered();
    if (this.#distrusted) this.#ledger().expectModel();
  }

  stop() {
    this.#model.stop();
  }

  /** @param {import('./read-model.js').Model} model */
  #take(model) {
    this.#ledger().takeModel(model);
    this.#onTaken();
  }
}
