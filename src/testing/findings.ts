/** Counts defects, and keeps the first few of each kind in words. */
export class Findings<Defect extends string> {
  readonly counts: Record<Defect, number>;
  readonly examples: Partial<Record<Defect, string[]>> = {};

  constructor(defects: readonly Defect[]) {
    this.counts = Object.fromEntries(defects.map((defect) => [defect, 0])) as Record<Defect, number>;
  }

  add(defect: Defect, example: string): void {
    this.counts[defect]++;
    const examples = (this.examples[defect] ??= []);
    if (examples.length < maxExamples) examples.push(example);
  }
}

const maxExamples = 5;
