import { describe, it } from 'vitest';

/** What a group of tests lacks, and the line that would help. */
export interface Lack {
  readonly problem: string;
  readonly remedy: string;
}

/**
 * A group that may lack something. What is lacking skips it, visibly and with the remedy; with `CI=true` it fails:
 * there a skipped promise is an unguarded one.
 */
export function describeUnless(lack: Lack | undefined, name: string, body: () => void): void {
  if (!lack) {
    describe(name, body);
    return;
  }
  const { problem, remedy } = lack;
  if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('has what it needs', () => {
        throw new Error(`With CI=true no group may be skipped, but ${problem}. ${remedy}`);
      });
    });
    return;
  }
  console.warn(`Skipped: ${name}: ${problem}. ${remedy}`);
  describe.skip(`${name} (${problem})`, body);
}
