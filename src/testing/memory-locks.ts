/**
 * Locks as Postgres has them on rows: who has one keeps it until its transaction ends; others wait, and get it in the
 * order in which they asked. An owner waits for one lock at a time.
 */
export class MemoryLocks {
  readonly #owners = new Map<string, object>();
  /** In the order of asking. */
  readonly #waiting = new Map<object, { name: string; go: () => void }>();

  /** Returns when the owner has it. @throws an error with SQLSTATE 40P01 when its owner waits for this one */
  async take(owner: object, name: string): Promise<void> {
    const other = this.#owners.get(name);
    if (other === owner) return;
    if (other === undefined) {
      this.#owners.set(name, owner);
      return;
    }
    // Each link is whom the one before it waits for.
    for (let link: object | undefined = other; link; link = this.#ownerAwaitedBy(link))
      if (link === owner) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    await new Promise<void>((go) => this.#waiting.set(owner, { name, go }));
  }

  /** Hands on all that the owner has. */
  release(owner: object): void {
    for (const [name, holder] of this.#owners) {
      if (holder !== owner) continue;
      this.#owners.delete(name);
      for (const [next, wanted] of this.#waiting) {
        if (wanted.name !== name) continue;
        this.#waiting.delete(next);
        this.#owners.set(name, next);
        wanted.go();
        break;
      }
    }
  }

  #ownerAwaitedBy(waiting: object): object | undefined {
    const wanted = this.#waiting.get(waiting);
    return wanted && this.#owners.get(wanted.name);
  }
}
