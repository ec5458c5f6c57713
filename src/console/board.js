import { CountersView } from './counters.js';
import { byId, setText } from './dom.js';
import { Feed } from './feed.js';
import { Ledger } from './ledger.js';
import { keyOf, wholeOrg } from './scope.js';
import { StreamView } from './stream-view.js';
import { UnitsView } from './units-view.js';
import { countOf, plural } from './words.js';

/**
 * @typedef {import('./session.js').Org & { sees?: import('./scope.js').Subscription[] }} Org
 * @typedef {import('./feed.js').State} State
 * @typedef {import('./feed.js').Reason} Reason
 */

const resets = {
  expired: 'What happened meanwhile is not kept any more',
  epoch: 'The database has another history than before',
  unknown: 'The cursor is of another database',
};

/** Events per second are counted over so long. */
const rateWindowMs = 10_000;

/** All that shows one org: what was received, and the connection that it comes through. */
export class Board {
  /** @type {Org} */
  #org;
  #ledger;
  #onState;
  #feed;
  #units = new UnitsView(byId('units'), (subscription) => void this.#choose(subscription));
  #stream = new StreamView(byId('rows'), (site, unit) => this.#nameOf(site, unit));
  #counters = new CountersView(byId('counters'));
  #live = false;
  #liveSince = 0;
  /** @type {number[]} when live events came */
  #arrivals = [];
  /** What is away is caught up on: the line in the stream tells how it went. */
  /** @type {{ since: number | undefined, replayed: number, text: string, row?: { mark: string }, line?: HTMLElement | undefined }} */
  #gap = { since: undefined, replayed: 0, text: '' };

  /**
   * @param {{ renew: () => Promise<string | undefined>, onState: (state: State, reason?: Reason) => void }} options
   */
  constructor({ renew, onState }) {
    this.#onState = onState;
    this.#org = { id: '', name: '', token: '' };
    this.#ledger = new Ledger('');
    this.#feed = new Feed({
      auth: () => ({
        token: this.#org.token,
        protocol: 1,
        cursor: this.#ledger.state.cursor,
        subscriptions: this.#followed,
      }),
      renew,
      onState: (state, reason) => this.#changeTo(state, reason),
      onEvents: (events, cursor) => this.#receive(events, cursor),
      onLive: ({ cursor, denied }) => {
        this.#ledger.moveTo(cursor);
        this.#endGap();
        if (denied.length > 0) this.#mark(`Denied: ${denied.map(({ code }) => code).join(', ')}`);
      },
      onReset: ({ reason, cursor }) => {
        this.#startAnew(
          `${resets[/** @type {keyof typeof resets} */ (reason)] ?? reason}: the page starts anew`,
        );
        this.#ledger.moveTo(cursor);
      },
      onCheckpoint: ({ cursor }) => {
        this.#ledger.moveTo(cursor);
        this.#draw();
      },
      onCursorRefused: () =>
        this.#startAnew('The server does not know the form of the cursor: the page starts anew'),
    });
  }

  /**
   * Shows an org: from where this tab has left it, or live from now.
   *
   * @param {Org} org
   */
  open(org) {
    this.close();
    this.#org = org;
    this.#ledger = new Ledger(org.id);
    this.#ledger.expect(org.sites);
    this.#units.clear(org.name);
    this.#stream.show(this.#ledger.state.rows);
    this.#arrivals = [];
    this.#gap = { since: undefined, replayed: 0, text: 'Back here' };
    setText(byId('gap'), '');
    this.#draw();
    this.#feed.connect();
  }

  close() {
    this.#feed.disconnect();
    this.#live = false;
    if (this.#org.id !== '') this.#ledger.save();
  }

  /** @param {string} token */
  set token(token) {
    this.#org = { ...this.#org, token };
  }

  save() {
    if (this.#org.id !== '') this.#ledger.save();
  }

  reconnect() {
    this.#feed.connect();
  }

  /** @param {number} ms */
  cut(ms) {
    this.#feed.cut(ms);
  }

  /** Numbers that change by themselves. */
  tick() {
    const now = performance.now();
    this.#arrivals = this.#arrivals.filter((at) => at > now - rateWindowMs);
    const countedMs = Math.min(rateWindowMs, now - this.#liveSince);
    const told = this.#live && countedMs >= 2_000;
    setText(byId('rate'), told ? ((this.#arrivals.length * 1_000) / countedMs).toFixed(1) : '–');
  }

  get #followed() {
    const { sees = [] } = this.#org;
    return this.#ledger.state.followed ?? (sees.length > 0 ? sees : [wholeOrg]);
  }

  /** @param {import('./scope.js').Subscription} next */
  async #choose(next) {
    const followed = this.#followed;
    if (followed.some((each) => keyOf(each) === keyOf(next)) && followed.length === 1) return;
    const ledger = this.#ledger;
    ledger.follow([next]);
    this.#mark(`From here: ${this.#titleOf(next)}`);
    this.#draw();
    if (!this.#live) return;
    const refusal = await this.#feed.follow(next, followed);
    if (!refusal || ledger !== this.#ledger) return;
    ledger.follow(followed);
    this.#mark(`${refusal.code}: ${refusal.message}`);
    this.#draw();
  }

  /**
   * @param {State} state
   * @param {Reason} [reason]
   */
  #changeTo(state, reason) {
    if (this.#live && state !== 'live') {
      this.#live = false;
      this.#gap = { since: performance.now(), replayed: 0, text: 'Reconnected' };
      this.#arrivals = [];
    }
    if (state === 'live' && !this.#live) {
      this.#live = true;
      this.#liveSince = performance.now();
    }
    if (state === 'offline') setText(byId('gap'), `Away: ${reason?.message ?? 'the connection is lost'}`);
    if (state === 'catching-up' && !this.#gap.row) this.#beginCatchUp();
    this.#onState(state, reason);
    this.tick();
  }

  /** What comes from here to `live` is what was missed. */
  #beginCatchUp() {
    const resumes = this.#ledger.state.cursor !== undefined;
    const row = this.#ledger.mark(resumes ? 'Catching up' : 'Live from here');
    this.#gap = { ...this.#gap, row, line: this.#stream.add([row]) };
    if (!resumes) this.#gap.text = '';
  }

  #endGap() {
    const { since, replayed, text, row, line } = this.#gap;
    setText(byId('gap'), row && text === '' ? row.mark : '');
    if (row && text !== '') {
      const away = since === undefined ? '' : ` after ${((performance.now() - since) / 1_000).toFixed(1)} s`;
      row.mark = `${text}${away}: ${replayed === 0 ? 'nothing was missed' : `${plural(replayed, 'event')} replayed`}`;
      if (line) setText(line, row.mark);
      setText(byId('gap'), row.mark);
    }
    this.#gap = { since: undefined, replayed: 0, text: '' };
    this.#draw();
  }

  /**
   * @param {import('./ledger.js').Event[]} events
   * @param {string} cursor
   */
  #receive(events, cursor) {
    const rows = this.#ledger.receive(events, cursor, !this.#live);
    if (this.#live) this.#arrivals.push(...rows.map(() => performance.now()));
    else this.#gap.replayed += rows.length;
    this.#stream.add(rows);
    this.#draw();
  }

  /** @param {string} why */
  #startAnew(why) {
    this.#ledger.clear();
    this.#ledger.expect(this.#org.sites);
    this.#units.clear(this.#org.name);
    this.#stream.show([]);
    this.#mark(why);
    this.#gap = { since: undefined, replayed: 0, text: '', row: { mark: why } };
    this.#draw();
  }

  /** @param {string} text */
  #mark(text) {
    this.#stream.add([this.#ledger.mark(text)]);
  }

  #draw() {
    const { state } = this.#ledger;
    setText(byId('position'), state.last === 0 ? '–' : countOf(state.last));
    setText(byId('cursor'), state.cursor === undefined ? '' : `cursor ${state.cursor}`);
    this.#units.draw(state, this.#followed);
    this.#counters.draw(state);
  }

  /** @param {import('./scope.js').Subscription} subscription */
  #titleOf({ site, unit }) {
    return site === undefined && unit === undefined ? `all of ${this.#org.name}` : this.#nameOf(site, unit);
  }

  /**
   * @param {string | undefined} site
   * @param {string | undefined} unit
   */
  #nameOf(site, unit) {
    const { sites, units } = this.#ledger.state;
    if (unit !== undefined) return units[unit]?.name ?? unit;
    if (site !== undefined) return sites[site]?.name ?? site;
    return 'org';
  }
}
