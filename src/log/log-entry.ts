import type { CommitcastEvent } from '../core/event.ts';
import { toControlEvent, type ControlEvent } from './control-event.ts';
import { toEvent, type EventRow } from './event-row.ts';
import { toWireEvent, type WireEvent } from './wire-event.ts';

/** A row of the log, for whoever handles it: made into what is asked for, and only into that. */
export class LogEntry {
  readonly #row: EventRow;

  constructor(row: EventRow) {
    this.#row = row;
  }

  get position(): number {
    return Number(this.#row.position);
  }

  /** Acted on, never delivered. */
  get control(): ControlEvent | undefined {
    return this.#row.control ? toControlEvent(this.event, this.#row) : undefined;
  }

  /** For code. */
  get event(): CommitcastEvent {
    return toEvent(this.#row);
  }

  /** For clients. */
  get wire(): WireEvent {
    return toWireEvent(this.#row);
  }
}
