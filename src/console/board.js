import { AlarmsView } from './alarms-view.js';
import { CountersView } from './counters.js';
import { byId, setText } from './dom.js';
import { Feed } from './feed.js';
import { Gap } from './gap.js';
import { Ledger } from './ledger.js';
import { Rate } from './rate.js';
import { keyOf, wholeOrg } from './scope.js';
import { StreamView } from './stream-view.js';
import { UnitsState } from './units-state.js';
import { UnitsView } from './units-view.js';
import { countOf, resetOf } from './words.js';

/**
 * @typedef {import('./session.js').Org & { sees?: import('./scope.js').Subscription[] }} Org
 * @typedef {import('./feed.js').State} State
 * @typedef {import('./feed.js').Reason} Reason
 */

/** All that shows one org: what was received, and the connection that it comes through. */
export class Board {
  /** @type {Org} */
  #org = { id: '', name: '', token: '' };
  #ledger = new Ledger('');
  #onState;
  #feed;
  #unitsState;
  #alarms = new AlarmsView(byId('alarms'), (subscription) => void this.#choose(subscription));
  #units = new UnitsView(byId('units'), (subscription) => void this.#choose(subscription));
  #stream = new StreamView(byId('rows'), (site, unit) => this.#nameOf(site, unit));
  #counters = new CountersView(byId('counters'));
  #rate = new Rate();
  #gap = new Gap(byId('gap'));
  /** @type {State} */
  #state = 'connecting';

  /**
   * @param {{ renew: () => Promise<string | undefined>, onState: (state: State, reason?: Reason) => void }} options
   */
  constructor({ renew, onState }) {
    this.#onState = onState;
    this.#unitsState = new UnitsState({
      source: { url: () => this.#org.readModel, token: () => this.#org.token, renew },
      ledger: () => this.#ledger,
      progress: byId('rebuild'),
      onTaken: () => this.#draw(),
    });
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
        this.#gap.close();
        this.#draw();
        this.#unitsState.live(cursor);
        if (denied.length > 0) this.#mark(`Denied: ${denied.map(({ code }) => code).join(', ')}`);
      },
      onReset: ({ reason, cursor }) => {
        this.#startAnew(`${resetOf(reason)}: the page starts anew`);
        this.#ledger.moveTo(cursor);
        void this.#unitsState.load(cursor);
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
   * Shows an org: from where this tab has left it; else from the state that the server keeps; else live from now.
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
    this.#gap.tell('');
    this.#draw();
    const { cursor } = this.#ledger.state;
    if (cursor === undefined) {
      void this.#begin();
      return;
    }
    this.#gap.open('Back here');
    this.#feed.connect();
    // What this tab has kept goes on meanwhile.
    void this.#unitsState.load(cursor);
  }

  async #begin() {
    this.#onState('connecting');
    if (!(await this.#unitsState.begin())) return;
    this.#gap.open('State loaded');
    this.#feed.connect();
  }

  close() {
    this.#unitsState.stop();
    this.#feed.disconnect();
    this.#state = 'connecting';
    this.save();
  }

  /** @param {string} token */
  set token(token) {
    this.#org = { ...this.#org, token };
  }

  save() {
    if (this.#org.id !== '') this.#ledger.save();
  }

  /** @param {number} ms */
  cut(ms) {
    this.#feed.cut(ms);
  }

  /** Numbers that change by themselves. */
  tick() {
    const rate = this.#live ? this.#rate.perSecond : undefined;
    setText(byId('rate'), rate?.toFixed(1) ?? '–');
  }

  get #live() {
    return this.#state === 'live';
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
    // What comes into sight has not been followed so far.
    this.#unitsState.distrust();
    // The handshake of this session has named the previous one.
    if (this.#state === 'catching-up') this.#feed.connect();
    if (!this.#live) return;
    const { refusal, cursor } = await this.#feed.follow(next, followed);
    // Somebody has chosen something else meanwhile.
    if (ledger !== this.#ledger || this.#followed[0] !== next) return;
    if (refusal) {
      ledger.follow(followed);
      this.#mark(`${refusal.code}: ${refusal.message}`);
      this.#draw();
    }
    const from = refusal ? ledger.state.cursor : cursor;
    if (from !== undefined) void this.#unitsState.load(from);
  }

  /**
   * @param {State} state
   * @param {Reason} [reason]
   */
  #changeTo(state, reason) {
    const wasLive = this.#live;
    this.#state = state;
    if (wasLive && !this.#live) this.#gap.open('Reconnected', performance.now());
    if (this.#live && !wasLive) this.#rate.begin();
    if (state === 'offline') this.#gap.tell(`Away: ${reason?.message ?? 'the connection is lost'}`);
    if (state === 'catching-up' && !this.#gap.isMarked) this.#beginCatchUp();
    this.#onState(state, reason);
    this.tick();
  }

  /** What comes from here to `live` is what was missed. */
  #beginCatchUp() {
    const resumes = this.#ledger.state.cursor !== undefined;
    const row = this.#ledger.mark(resumes ? 'Catching up' : 'Live from here');
    this.#gap.mark(row, this.#stream.add([row]));
    if (!resumes) this.#gap.forget();
  }

  /**
   * @param {import('./ledger.js').Event[]} events
   * @param {string} cursor
   */
  #receive(events, cursor) {
    const rows = this.#ledger.receive(events, cursor, !this.#live);
    if (this.#live) this.#rate.count(rows.length);
    else this.#gap.count(rows.length);
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
    this.#gap.open('');
    this.#gap.mark({ mark: why });
    this.#unitsState.distrust();
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
    this.#alarms.draw(state.units);
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
