import type { Diagnosis } from './examine.ts';

/** As somebody reads it: what was found, the gravest first, and how to mend it. */
export function diagnosisText({ findings, unseen }: Diagnosis): string {
  const lines = findings.flatMap(({ severity, code, meaning, seen, remedy }) => [
    `${severity.padEnd(7)}  ${code}: ${meaning}`,
    `         ${seen}`,
    `         What to do: ${remedy}`,
    '',
  ]);
  const blind =
    unseen.length === 0
      ? []
      : ['Could not look at:', ...unseen.map(({ check, reason }) => `  ${check}: ${reason}`), ''];
  const counted = (['error', 'warning', 'note'] as const)
    .map((severity) => ({ severity, count: findings.filter((each) => each.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}${count === 1 ? '' : 's'}`);
  const summary =
    counted.length > 0
      ? `${counted.join(', ')}. Each code has a section in docs/doctor.md.`
      : unseen.length === 0
        ? 'Nothing found.'
        : 'Nothing found where it could look.';
  return [...lines, ...blind, summary].join('\n');
}

/** 0: nothing but notes. 1: errors or warnings. 2: none that it saw, and it could not look everywhere. */
export function exitCodeOf({ findings, unseen }: Diagnosis): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity !== 'note')) return 1;
  return unseen.length > 0 ? 2 : 0;
}
