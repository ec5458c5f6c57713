/** Seconds that are kept. */
export const rateSeconds = 60;

/** Events per second, live: how many in each of the last seconds. */
export class Rate {
  /** Second since 1970 → events. */
  #counts = new Map<number, number>();
  #since = Date.now();

  /** Counting begins now: what was replayed before came as fast as the network goes. */
  begin(): void {
    this.#since = Date.now();
  }

  count(events: number, now = Date.now()): void {
    const second = Math.floor(now / 1_000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + events);
    if (this.#counts.size <= rateSeconds * 2) return;
    for (const old of this.#counts.keys()) if (old < second - rateSeconds) this.#counts.delete(old);
  }

  /** The last whole seconds, rising: their times and counts. */
  series(now = Date.now()): { times: number[]; counts: number[] } {
    const last = Math.floor(now / 1_000) - 1;
    const times = Array.from({ length: rateSeconds }, (_, index) => last - rateSeconds + 1 + index);
    return { times, counts: times.map((second) => this.#counts.get(second) ?? 0) };
  }

  /** Over the last ten whole seconds; `undefined` while it is too early to say. */
  perSecond(now = Date.now()): number | undefined {
    const seconds = Math.min(10, Math.floor((now - this.#since) / 1_000));
    if (seconds < 2) return undefined;
    const { counts } = this.series(now);
    return counts.slice(-seconds).reduce((sum, count) => sum + count, 0) / seconds;
  }
}
