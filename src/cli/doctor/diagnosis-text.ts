import { printable } from '../printable.ts';
import { wrapped } from '../terminal.ts';
import type { Diagnosis } from './examine.ts';

const margin = ' '.repeat(9);

/** As somebody reads it: what was found, the gravest first, and how to mend it. */
export function diagnosisText({ findings, unseen }: Diagnosis, width = Infinity): string {
  const lines = findings.flatMap(({ severity, code, meaning, seen, remedy }) => [
    wrapped(`${severity.padEnd(7)}  ${code}: ${meaning}`, width, margin),
    wrapped(`${margin}${printable(seen)}`, width, margin),
    // Not broken: a statement or a command in it is there to be pasted.
    `${margin}What to do: ${printable(remedy)}`,
    '',
  ]);
  const blind =
    unseen.length === 0
      ? []
      : ['Could not look at:', ...unseen.map(({ check, reason }) => `  ${check}: ${printable(reason)}`), ''];
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
