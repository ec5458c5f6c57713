/** When a batch was handed on, by `performance.now()`. */
export interface DeliveryTime {
  /** Of the first event of the batch: the one that has waited for longest. */
  readonly position: number;
  /** Handed to its rooms. */
  readonly dispatchedAt: number;
  /** Handed to the connections that get it; `undefined` when there are none. */
  writtenAt: number | undefined;
}

const maxSamples = 256;

/**
 * A sample of when batches were handed on: of all since the last look each has the same chance to be in it, however many
 * there were (Vitter's algorithm R). So it costs little, and as long as nobody looks, nothing.
 */
export class DeliveryTimes {
  #samples: DeliveryTime[] = [];
  #unwritten: DeliveryTime[] = [];
  #batches = 0;
  #isWanted = false;

  /** `toAnybody`: there is somebody here to write it to. */
  dispatched(position: number, toAnybody = true): void {
    if (!this.#isWanted) return;
    this.#batches += 1;
    const place = this.#batches <= maxSamples ? this.#batches - 1 : Math.floor(Math.random() * this.#batches);
    if (place >= maxSamples) return;
    const sample: DeliveryTime = { position, dispatchedAt: performance.now(), writtenAt: undefined };
    this.#samples[place] = sample;
    if (toAnybody) this.#unwritten.push(sample);
  }

  /** All that was dispatched has been written; `false`: nobody has taken it. */
  written(toAnybody: boolean): void {
    if (this.#unwritten.length === 0) return;
    const now = toAnybody ? performance.now() : undefined;
    for (const sample of this.#unwritten) sample.writtenAt = now;
    this.#unwritten = [];
  }

  /** The sample of what came since the last look. There is none before the first. */
  take(): DeliveryTime[] {
    this.#isWanted = true;
    const samples = this.#samples;
    this.#samples = [];
    this.#batches = 0;
    return samples;
  }
}
