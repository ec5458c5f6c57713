import { showSeconds } from './numbers.ts';

/** What is being done, for whoever waits: one line that changes on a terminal; in a pipe, only lines of what is done. */
export class Progress {
  readonly #began = performance.now();
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number;
  #done = 0;
  #spentMs = 0;
  #measured = 0;
  #step = '';
  #stepBegan = 0;

  constructor(stream: NodeJS.WriteStream, total: number) {
    this.#stream = stream;
    this.#total = total;
  }

  /** Begins a measurement, such as `row 1 latency, round 2 of 3: ws`. */
  begin(step: string): void {
    this.#step = step;
    this.#stepBegan = performance.now();
    this.detail('');
  }

  /** What the measurement says of itself. */
  detail(text: string): void {
    if (!this.#stream.isTTY) return;
    const elapsed = (performance.now() - this.#began) / 1_000;
    const average = this.#measured > 0 ? this.#spentMs / this.#measured / 1_000 : undefined;
    const left =
      average === undefined ? '' : `, about ${showSeconds((this.#total - this.#done) * average)} left`;
    const line = `[${this.#done}/${this.#total}, ${showSeconds(elapsed)}${left}] ${this.#step} ${text}`;
    this.#stream.write(`\r\u001B[2K${line.slice(0, Math.max(20, this.#stream.columns - 1))}`);
  }

  /** Ends the measurement with what it came to. */
  end(outcome: string): void {
    const tookMs = performance.now() - this.#stepBegan;
    this.#spentMs += tookMs;
    this.#measured++;
    this.#done++;
    this.say(`${this.#step} (${showSeconds(tookMs / 1_000)}): ${outcome}`);
  }

  /** Measurements that need not be done, in this run. */
  skip(count: number): void {
    this.#done += count;
  }

  say(line: string): void {
    this.#stream.write(`${this.#stream.isTTY ? '\r\u001B[2K' : ''}${line}\n`);
  }
}
