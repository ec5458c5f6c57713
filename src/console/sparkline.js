const svg = 'http://www.w3.org/2000/svg';
const width = 96;
const height = 30;
const inset = 2;
/** Readings that the width stands for at the least: a curve that has just begun is not to be a wall. */
const leastReadings = 13;
/** Degrees that the height stands for at the least: noise is not to look like a storm. */
const leastSpan = 4;

export class Sparkline {
  element = document.createElementNS(svg, 'svg');
  #line = document.createElementNS(svg, 'polyline');
  #limit = document.createElementNS(svg, 'line');
  #dot = document.createElementNS(svg, 'line');

  constructor() {
    this.element.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.element.setAttribute('aria-hidden', 'true');
    this.element.setAttribute('class', 'spark');
    this.#limit.setAttribute('class', 'limit');
    this.#dot.setAttribute('class', 'dot');
    this.element.append(this.#limit, this.#line, this.#dot);
  }

  /**
   * @param {readonly number[]} series
   * @param {number | undefined} limit drawn as a line, when it lies in what is shown
   */
  draw(series, limit) {
    const last = series.at(-1);
    this.element.toggleAttribute('data-empty', last === undefined);
    if (last === undefined) return;
    const low = Math.min(...series);
    const high = Math.max(...series);
    const span = Math.max(high - low, leastSpan);
    const middle = (low + high) / 2;
    /** @param {number} value */
    const y = (value) => height / 2 - ((value - middle) / span) * (height - 2 * inset - 2);
    const step = (width - 2 * inset) / (Math.max(series.length, leastReadings) - 1);
    const start = width - inset - step * (series.length - 1);
    const points = series.map(
      (value, index) => `${(start + step * index).toFixed(1)},${y(value).toFixed(1)}`,
    );
    this.#line.setAttribute('points', points.join(' '));
    place(this.#dot, width - inset, width - inset, y(last));
    const shown = limit !== undefined && y(limit) >= 0 && y(limit) <= height;
    this.#limit.toggleAttribute('data-empty', !shown);
    if (shown) place(this.#limit, 0, width, y(limit));
  }
}

/**
 * @param {SVGLineElement} line
 * @param {number} x1
 * @param {number} x2
 * @param {number} y
 */
function place(line, x1, x2, y) {
  for (const [name, value] of Object.entries({ x1, x2, y1: y, y2: y }))
    line.setAttribute(name, value.toFixed(1));
}
