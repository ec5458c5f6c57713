import type { Logger } from '../core/logger.ts';

/** Between two lines of a pass that takes long. */
const lineMs = 60_000;

/** Tells the log what retention has dropped: a line at the end of each pass, and one a minute until then. */
export class DropReport {
  readonly #logger: Logger;
  /** Since the last line. */
  #partitions = 0;
  #began = 0;
  #from: number | undefined;
  #floor = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A pass begins, where the log begins at this position. */
  begin(floor: number): void {
    // A pass that was cut off may have raised it, and the next one drops what lies below.
    this.#from ??= floor;
    this.#floor = floor;
    this.#began = performance.now();
  }

  /** One more partition is gone, and the log begins at this position. */
  add(floor: number): void {
    this.#partitions += 1;
    this.#floor = floor;
    if (performance.now() - this.#began > lineMs) this.tell();
  }

  /** Says nothing when nothing was dropped. */
  tell(): void {
    if (this.#partitions === 0) return;
    const now = performance.now();
    const retention = {
      partitions: this.#partitions,
      positions: this.#floor - (this.#from ?? this.#floor),
      floor: this.#floor,
      seconds: Number(((now - this.#began) / 1_000).toFixed(1)),
    };
    this.#logger.info(
      { retention },
      'partitions of the log were dropped: all in them was past the retention',
    );
    this.#partitions = 0;
    this.#from = this.#floor;
    this.#began = now;
  }
}
