import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from './results.ts';

interface Saved {
  key: string;
  outcomes: Record<string, Outcome>;
}

/** What an interrupted run has measured already, so that the next one goes on from there. */
export class RunState {
  readonly #file: string | undefined;
  readonly #saved: Saved;

  private constructor(file: string | undefined, saved: Saved) {
    this.#file = file;
    this.#saved = saved;
  }

  /**
   * `key` says what must be the same: code, machine, size. `resume`: `always` fails when there is nothing to go on
   * with, `if-same` begins anew then, `never` forgets what was there.
   */
  static async open(
    folder: string | undefined,
    key: string,
    resume: 'always' | 'if-same' | 'never',
  ): Promise<RunState> {
    if (folder === undefined) return new RunState(undefined, { key, outcomes: {} });
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'state.json');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const saved = text === undefined ? undefined : (JSON.parse(text) as Saved);
    if (saved?.key === key && resume !== 'never') return new RunState(file, saved);
    if (resume === 'always') {
      const found = saved ? `that of ${saved.key}, and this is ${key}` : 'none';
      throw new Error(`There is no run to resume: ${found}. Without --resume a new one begins`);
    }
    return new RunState(file, { key, outcomes: {} });
  }

  get size(): number {
    return Object.keys(this.#saved.outcomes).length;
  }

  /** What was measured before, or what `measure` gives now; that is on disk when this returns. */
  async remember(name: string, measure: () => Promise<Outcome>): Promise<Outcome> {
    const before = this.#saved.outcomes[name];
    if (before) return before;
    const outcome = await measure();
    this.#saved.outcomes[name] = outcome;
    if (this.#file !== undefined) {
      await writeFile(`${this.#file}.new`, JSON.stringify(this.#saved));
      await rename(`${this.#file}.new`, this.#file);
    }
    return outcome;
  }

  /** The run is complete: the next one begins anew. */
  async forget(): Promise<void> {
    if (this.#file !== undefined) await rm(this.#file, { force: true });
  }
}
