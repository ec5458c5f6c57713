import type { Doorbell, Fanout } from './doorbell.ts';

/**
 * What an instance has rung and heard since it was made, for those who operate. Each doorbell begins where the one before
 * it ended; one that begins further on shows that others were lost, or overtaken. What they would have told of is read
 * from the log as ever.
 */
export class DoorbellCounts {
  #rung = 0;
  #heard = 0;
  #gaps = 0;
  #missed = 0;
  #epoch = '';
  /** Highest position that a doorbell of the epoch has told of. */
  #told = 0;

  get report(): { rung: number; heard: number; gaps: number; missed: number } {
    return { rung: this.#rung, heard: this.#heard, gaps: this.#gaps, missed: this.#missed };
  }

  /** The fan-out, with all that it carries counted. */
  count(fanout: Fanout): Fanout {
    return {
      ring: (doorbell) => {
        this.#rung += 1;
        this.#tell(doorbell);
        fanout.ring(doorbell);
      },
      onRing: (listener) =>
        fanout.onRing((doorbell) => {
          this.#hear(doorbell);
          listener(doorbell);
        }),
    };
  }

  #hear(doorbell: Doorbell): void {
    const { epoch, from } = doorbell;
    this.#heard += 1;
    // Before the first one nothing was missed: the start reads the log by itself.
    if (epoch === this.#epoch && from > this.#told) {
      this.#gaps += 1;
      this.#missed += from - this.#told;
    }
    this.#tell(doorbell);
  }

  #tell({ epoch, to }: Doorbell): void {
    this.#told = epoch === this.#epoch ? Math.max(this.#told, to) : to;
    this.#epoch = epoch;
  }
}
