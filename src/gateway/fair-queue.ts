/**
 * Items that wait in lanes. Lanes take turns, however long each of them is; within one it is first come, first served.
 */
export class FairQueue<Item extends object> {
  /** The lane whose turn is next comes first. None is empty. */
  readonly #lanes = new Map<string, Set<Item>>();

  push(lane: string, item: Item): void {
    const items = this.#lanes.get(lane);
    if (items) items.add(item);
    else this.#lanes.set(lane, new Set([item]));
  }

  /** One that waits no longer. */
  remove(lane: string, item: Item): void {
    const items = this.#lanes.get(lane);
    items?.delete(item);
    if (items?.size === 0) this.#lanes.delete(lane);
  }

  take(): Item | undefined {
    const [turn] = this.#lanes;
    if (!turn) return undefined;
    const [lane, items] = turn;
    const [item] = items;
    if (item) items.delete(item);
    this.#lanes.delete(lane);
    if (items.size > 0) this.#lanes.set(lane, items);
    return item;
  }
}
