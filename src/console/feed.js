/**
 * The connection: a stock Socket.IO client, nothing of our own. It is all that an application needs to resume without
 * a gap: handlers before connecting, and `auth` as a function, so that each handshake carries the newest cursor.
 *
 *   connecting --handshake accepted--> catching-up --`live`--> live
 *        ^                                                      |
 *        +------------------- offline <--connection lost--------+        refused: a code that waiting does not mend
 *
 * @typedef {'connecting' | 'catching-up' | 'live' | 'offline' | 'refused'} State
 * @typedef {{ code?: string, message: string }} Reason
 * @typedef {import('./ledger.js').Event} Event
 * @typedef {import('./scope.js').Subscription} Subscription
 *
 * @typedef {object} Listener
 * @property {() => object} auth what the next handshake says
 * @property {() => Promise<string | undefined>} renew a new token, if there is one to be had
 * @property {(state: State, reason?: Reason) => void} onState
 * @property {(events: Event[], cursor: string) => void} onEvents
 * @property {(message: { cursor: string, denied: { subscription: unknown, code: string }[] }) => void} onLive
 * @property {(message: { reason: string, cursor: string }) => void} onReset
 * @property {(message: { cursor: string }) => void} onCheckpoint
 * @property {() => void} onCursorRefused
 */

const { io } = await import(new URL('socket.io/socket.io.esm.min.js', document.baseURI).href);

const renewable = new Set(['TOKEN_EXPIRED', 'TOKEN_INVALID']);
const passing = new Set(['RATE_LIMITED', 'UNAVAILABLE', 'INTERNAL', 'SHUTTING_DOWN', 'SLOW_CONSUMER']);

export class Feed {
  /** @type {import('socket.io-client').Socket} */
  #socket;
  #listener;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(Reason & { retry: boolean }) | undefined} */
  #farewell;
  #renewals = 0;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#socket = io(new URL(document.baseURI).origin, {
      path: new URL('socket.io/', document.baseURI).pathname,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      autoConnect: false,
      reconnectionDelay: 250,
      reconnectionDelayMax: 2_000,
      /** @param {(auth: object) => void} send */
      auth: (send) => {
        // What came in the instant of a disconnect is handed out at the next connect; and so is its replay.
        this.#socket.receiveBuffer = [];
        send(listener.auth());
      },
    });
    this.#listen();
  }

  /** Connects, or connects anew: the next handshake is another one. */
  connect() {
    clearTimeout(this.#timer);
    this.#farewell = undefined;
    this.#socket.disconnect();
    this.#socket.io.reconnection(true);
    this.#listener.onState('connecting');
    this.#socket.connect();
  }

  disconnect() {
    clearTimeout(this.#timer);
    this.#socket.disconnect();
  }

  /**
   * Closes the transport, as a tunnel or a lid would, and stays away for a while.
   *
   * @param {number} ms
   */
  cut(ms) {
    if (!this.#socket.connected) return;
    this.#farewell = { message: 'cut on purpose', retry: true };
    this.#socket.io.reconnection(false);
    this.#socket.io.engine.close();
    this.#timer = setTimeout(() => this.connect(), ms);
  }

  /**
   * Follows one scope instead of others. The new one comes first: what both reach has no gap. A connection that is lost
   * in between needs no care: its next handshake says what is wanted then.
   *
   * @param {Subscription} next
   * @param {readonly Subscription[]} previous
   * @returns {Promise<{ refusal?: Reason, cursor?: string }>} live from the cursor; or why not, if not
   */
  async follow(next, previous) {
    const { id } = this.#socket;
    const answer = await this.#ask('subscribe', next);
    if (answer?.error) return { refusal: answer.error };
    for (const each of previous) {
      if (this.#socket.id !== id) return {};
      await this.#ask('unsubscribe', each);
    }
    return answer?.cursor === undefined ? {} : { cursor: answer.cursor };
  }

  /**
   * @param {string} request
   * @param {object} argument
   * @returns {Promise<{ error?: Reason, cursor?: string } | undefined>}
   */
  async #ask(request, argument) {
    try {
      return await this.#socket.timeout(10_000).emitWithAck(request, argument);
    } catch {
      return undefined;
    }
  }

  #listen() {
    const { onState, onEvents, onLive, onReset, onCheckpoint } = this.#listener;
    const socket = this.#socket;
    socket.on('connect', () => onState('catching-up'));
    socket.on('events', onEvents);
    socket.on('reset', onReset);
    socket.on('checkpoint', onCheckpoint);
    socket.on('live', (message) => {
      this.#renewals = 0;
      onLive(message);
      onState('live');
    });
    socket.on('token-expiring', () => void this.#renewInPlace());
    socket.on('close', (farewell) => {
      this.#farewell = farewell;
    });
    socket.on('disconnect', (reason) => {
      const farewell = this.#farewell ?? { message: reason, retry: true };
      this.#farewell = undefined;
      if (reason === 'io client disconnect') return;
      if (farewell.retry) {
        onState('offline', farewell);
        // Stock clients come back by themselves, except when the server has ended the session by name.
        if (reason === 'io server disconnect') this.#timer = setTimeout(() => this.connect(), 1_000);
      } else void this.#mend(farewell);
    });
    socket.on('connect_error', (error) => {
      const code = /** @type {{ data?: { code?: string } }} */ (error).data?.code;
      if (code !== undefined) void this.#mend({ code, message: error.message });
      else if (socket.active) onState('offline', { message: 'the server does not answer' });
    });
  }

  /**
   * A refused handshake ends a stock client's attempts. Some codes pass, some are mended by a new token.
   *
   * @param {Reason} reason
   */
  async #mend(reason) {
    const { onState, renew, onCursorRefused } = this.#listener;
    const { code = '' } = reason;
    if (code === 'CURSOR_INVALID') {
      onCursorRefused();
      this.connect();
      return;
    }
    if (passing.has(code)) {
      onState('offline', reason);
      this.#timer = setTimeout(() => this.connect(), 1_000 + Math.random() * 1_000);
      return;
    }
    onState('refused', reason);
    if (renewable.has(code) && this.#renewals++ < 3 && (await renew()) !== undefined) this.connect();
  }

  /** A new token before the old one ends: the connection stays. */
  async #renewInPlace() {
    const token = await this.#listener.renew();
    if (token !== undefined) await this.#ask('authenticate', { token });
  }
}
