import { headOf } from '../harness/markdown.ts';
import { show, showSeconds, showSpread } from '../harness/numbers.ts';
import { busyLimit } from './busy.ts';
import { seenAt, type SweepResult } from './run-sweep.ts';

/** What a sweep has come to: its plot, its figures, and how far they can be trusted. */
export function sectionOf(result: SweepResult): string {
  const { name, title, method, axis, metrics, points, problems, busy } = result;
  const head = [axis.label, ...Object.values(metrics).map(headOf)];
  const rows = points.map((point) => [
    point.at.toLocaleString('en'),
    ...Object.keys(metrics).map((metric) => {
      const spread = seenAt(point, metric);
      return spread ? showSpread(spread) : 'not measured';
    }),
  ]);
  const notes = [...new Set(points.flatMap(({ rounds }) => rounds.flatMap(({ note }) => note ?? [])))];
  return [
    method.replaceAll(/\s+/g, ' '),
    '',
    ...(problems.length > 0
      ? ['**Not counted:**', '', ...problems.map((problem) => `- ${problem}`), '']
      : []),
    ...(busy > busyLimit
      ? [`**Provisional:** other work kept ${Math.round(busy * 100)} % of the cores busy just before.`, '']
      : []),
    `![${title}](scaling/${name}.svg)`,
    '',
    ...[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
    '',
    ...(notes.length > 0 ? [`Notes: ${notes.join('; ')}.`, ''] : []),
    footOf(result),
  ].join('\n');
}

function footOf({ run, machine, points, problems, seconds }: SweepResult): string {
  const { cores, model, memoryGiB, kernel, node, postgres, fdatasyncUs, pinned } = machine;
  const whole = problems.length === 0 ? ', 0 missed, doubled or out of order' : '';
  return [
    `${points.length} points, ${run.rounds} rounds (${run.size}) in ${showSeconds(seconds)}${whole}; ${run.date.slice(0, 10)}, commit \`${run.commit}\``,
    `${cores} × ${model}, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, Postgres ${postgres}, fdatasync ${show(fdatasyncUs)} µs`,
    `${pinned ? 'server and Postgres on one core, the load on another' : 'nothing pinned to cores'}.`,
  ].join('; ');
}
