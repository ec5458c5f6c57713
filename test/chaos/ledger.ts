import { createHash } from 'node:crypto';
import type { SeenEvent } from '../support/history-checker.ts';

/** Beyond this, a digest stands for the text. */
const maxKeptLength = 400;

/**
 * What is at which position, as the first who saw it said; so that each client need only remember positions, and every
 * later sight of an event is compared at once.
 */
export class Ledger {
  readonly #texts = new Map<number, string>();

  /** `false`: somebody saw something else at this position. */
  agrees(event: SeenEvent): boolean {
    const text = textOf(event);
    const known = this.#texts.get(event.position);
    if (known === undefined) this.#texts.set(event.position, text);
    return known === undefined || known === text;
  }

  get positions(): Iterable<number> {
    return this.#texts.keys();
  }
}

function textOf({ id, type = '', org, site = '', unit = '', data }: SeenEvent): string {
  const text = `${id} ${type} ${org}/${site}/${unit} ${JSON.stringify(data)}`;
  return text.length <= maxKeptLength ? text : createHash('sha256').update(text).digest('base64');
}
