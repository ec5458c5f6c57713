/** A flag that one loop waits for and others raise; raising it several times before it is seen counts once. */
export class Flag {
  #raised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /** Takes the flag down and says whether it was up. */
  take(): boolean {
    const raised = this.#raised;
    this.#raised = false;
    return raised;
  }

  /** Resolves when the flag is up, after `ms` milliseconds, or when the signal aborts. Leaves the flag as it is. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#raised || signal.aborted) {
        resolve();
        return;
      }
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}
