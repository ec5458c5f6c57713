import { make, setText } from './dom.js';
import { Sparkline } from './sparkline.js';
import { trendOf } from './unit-state.js';
import { secondOf } from './words.js';

const arrows = { rising: '↗', falling: '↘', steady: '→' };

/** A unit: its last reading, where it tends to, and what is wrong. */
export class UnitCard {
  element;
  #id;
  #name = make('b');
  #value = make('strong');
  #trend = make('span', { class: 'trend', role: 'img' });
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
    element.append(this.#name, this.#value, this.#trend, this.#spark.element, this.#note);
  }

  /** @param {import('./unit-state.js').Unit} unit */
  draw(unit) {
    const { name, kind, limit, series, alarmSince, doorOpen, type, readAt } = unit;
    const last = series.at(-1);
    setText(this.#name, name ?? this.#id);
    setText(this.#value, last === undefined ? (kind || !type ? '–' : type) : `${last.toFixed(1)}°`);
    this.#value.toggleAttribute('data-text', last === undefined && type !== undefined && !kind);
    this.#drawTrend(trendOf(unit));
    const isAlarming = alarmSince !== undefined;
    const notes = [
      isAlarming && limit !== undefined ? `limit ${limit}°` : kind,
      doorOpen ? 'open' : undefined,
    ];
    setText(this.#note, notes.filter((note) => note !== undefined).join(' · '));
    this.element.toggleAttribute('data-alarm', isAlarming);
    this.element.title = readAt === undefined ? '' : `Last reading at ${secondOf(readAt)}`;
    this.#spark.draw(series, limit);
  }

  /** @param {ReturnType<typeof trendOf>} trend */
  #drawTrend(trend) {
    this.#trend.hidden = trend === undefined;
    if (!trend) return;
    setText(this.#trend, arrows[trend]);
    this.#trend.setAttribute('aria-label', trend);
    this.#trend.setAttribute('data-trend', trend);
  }
}
