/**
 * The state that the server keeps of the units, loaded by HTTP with the cursor that it stands for.
 *
 * The state is behind the log by some milliseconds; while it is rebuilt, by much more. What the page has seen must not go
 * back, so it asks for a state at or after a cursor of its own, and waits until there is one.
 *
 * @typedef {object} ModelUnit
 * @property {string} id
 * @property {string | null} siteId
 * @property {string | null} name
 * @property {number | null} limit
 * @property {number[]} series
 * @property {string | null} readAt
 * @property {number | null} number
 * @property {string | null} alarmSince
 * @property {number} alarms
 * @property {boolean} doorOpen
 *
 * @typedef {object} Model
 * @property {ModelUnit[]} units
 * @property {string} cursor
 * @property {number} position events up to here are in the units
 * @property {number} head
 * @property {boolean} reached whether it is at or after the cursor that was asked for
 *
 * @typedef {object} Source
 * @property {() => string | undefined} url where there is none, nothing is loaded
 * @property {() => string} token
 * @property {() => Promise<string | undefined>} renew
 */

/** A state that is further behind is being rebuilt: its events are not to be shown as if they came now. */
const maxBehind = 500;
const firstPauseMs = 150;
const maxPauseMs = 1_000;

export class ReadModel {
  #source;
  #onProgress;
  #loading = new AbortController();

  /**
   * @param {Source} source
   * @param {(progress: { position: number, head: number } | undefined) => void} onProgress where a rebuild is
   */
  constructor(source, onProgress) {
    this.#source = source;
    this.#onProgress = onProgress;
  }

  /**
   * The present state, where there is one that is nearly as far as the log; asks once.
   *
   * @returns {Promise<Model | undefined>}
   */
  async present() {
    const { signal } = this.#begin();
    const model = await this.#fetch(undefined, signal).catch(() => undefined);
    if (signal.aborted || !model) return undefined;
    return model.head - model.position > maxBehind ? undefined : model;
  }

  /**
   * A state at or after the cursor, however long it takes; `undefined` when it is not wanted any more.
   *
   * @param {string} cursor
   * @returns {Promise<Model | undefined>}
   */
  async at(cursor) {
    const { signal } = this.#begin();
    if (this.#source.url() === undefined) return undefined;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 1.6, maxPauseMs)) {
      const model = await this.#fetch(cursor, signal).catch(() => undefined);
      if (signal.aborted) return undefined;
      if (model?.reached) {
        this.#onProgress(undefined);
        return model;
      }
      const isBehind = model !== undefined && model.head - model.position > maxBehind;
      if (model) this.#onProgress(isBehind ? model : undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return undefined;
  }

  /** What is being loaded is not wanted any more. */
  stop() {
    this.#loading.abort();
    this.#onProgress(undefined);
  }

  #begin() {
    this.stop();
    this.#loading = new AbortController();
    return this.#loading;
  }

  /**
   * @param {string | undefined} after
   * @param {AbortSignal} signal
   * @returns {Promise<Model | undefined>}
   */
  async #fetch(after, signal) {
    const { url, token, renew } = this.#source;
    const path = url();
    if (path === undefined) return undefined;
    // Relative to the page, which may be served below a path of somebody's choice.
    const address = new URL(path.replace(/^\//, ''), document.baseURI);
    if (after !== undefined) address.searchParams.set('after', after);
    const ask = () =>
      fetch(address, { headers: { authorization: `Bearer ${token()}` }, cache: 'no-store', signal });
    let response = await ask();
    if (response.status === 401 && (await renew()) !== undefined) response = await ask();
    return response.ok ? response.json() : undefined;
  }
}
