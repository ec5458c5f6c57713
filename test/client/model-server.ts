import type { CommitcastEvent } from '../../src/core/event.ts';
import { subscriptionKey, type Subscription } from '../../src/core/subscription.ts';
import type { ModelLink } from './model-link.ts';

/** A log in memory, and what a gateway promises about it; links are stepped by hand, so that any order can be tried. */
export class ModelServer {
  /** The one that links connect to: `vi.mock` leaves no other way to hand it over. */
  static current = new ModelServer();

  epoch = 'aaaaaaaa';
  head = 0;
  floor = 1;
  /** What can be replayed. */
  log: CommitcastEvent[] = [];
  /** The whole of this history. */
  truth: CommitcastEvent[] = [];
  readonly ended = new Map<string, number>();
  readonly denied = new Set<string>();
  readonly links = new Set<ModelLink>();
  /** Attempts so far: a client that loops without end is stopped by it. */
  opened = 0;
  #appended = 0;

  cursor(position = this.head): string {
    return `${this.epoch}-${position}`;
  }

  append(scope: Pick<CommitcastEvent, 'site' | 'unit'>, gap = 0): void {
    this.head += 1 + gap;
    const id = `e${(this.#appended += 1)}`;
    const event = { position: this.head, id, type: 'a', org: 'acme', time: '', data: {}, ...scope };
    this.log.push(event);
    this.truth.push(event);
    for (const link of this.links) link.appended(event);
  }

  revoke(scope: Subscription): void {
    this.denied.add(subscriptionKey(scope));
    for (const link of this.links) link.revoked(scope);
  }

  expire(): void {
    this.floor = this.head + 1;
    this.log = [];
  }

  /** The database comes back as it was `lost` positions ago: another history. */
  restore(lost: number): void {
    const end = Math.max(0, this.head - lost);
    this.ended.set(this.epoch, end);
    for (const [epoch, position] of this.ended) this.ended.set(epoch, Math.min(position, end));
    this.epoch = `aaaaaa${'bcdefghijklmnopq'[this.ended.size % 16]}${'abcdefgh'[Math.floor(this.ended.size / 16) % 8]}`;
    this.log = this.log.filter(({ position }) => position <= end);
    this.truth = this.truth.filter(({ position }) => position <= end);
    this.head = end;
    this.floor = Math.min(this.floor, end + 1);
    for (const link of this.links) link.lose();
  }
}
