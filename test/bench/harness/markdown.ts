import type { Machine } from './machine.ts';
import { show, showSpread } from './numbers.ts';
import type { Metric } from './row.ts';
import { spreadOf } from './ratios.ts';
import { isMeasurement, valuesOf, type Judgement, type RowResult, type VariantResult } from './results.ts';

/** All results, for the page: an overview, the machines, then each row. */
export function pageOf(results: readonly RowResult[]): string {
  if (results.length === 0) return 'Nothing has been measured yet.';
  const machines = [...new Map(results.map(({ machine }) => [labelOf(machine), machine])).values()];
  const letter = ({ machine }: RowResult) => {
    const index = machines.findIndex((each) => labelOf(each) === labelOf(machine));
    return machines.length > 1 ? ` on machine ${String.fromCodePoint(65 + index)}` : '';
  };
  return [
    table(
      ['#', 'row', 'goal', 'seen: median [min–max]', 'verdict'],
      results.flatMap((row) => overviewOf(row)),
    ),
    '',
    ...machines.flatMap((machine, index) => {
      const name = machines.length > 1 ? `Machine ${String.fromCodePoint(65 + index)}` : 'Machine';
      return [`${name}: ${describe(machine)}.`, ''];
    }),
    ...results.flatMap((row) => [...rowOf(row, letter(row)), '']),
  ].join('\n');
}

function overviewOf({ number, title, goals, problems }: RowResult): string[][] {
  if (problems.length > 0) return [[String(number), title, '', '', '**not counted**']];
  const cells = goals.map((goal) => [goal.text, seen(goal), verdictOf(goal)]);
  if (cells.length === 0) return [[String(number), title, '', '', '']];
  return cells.map((rest, index) => (index === 0 ? [String(number), title, ...rest] : ['', '', ...rest]));
}

function rowOf({ number, title, method, metrics, run, variants, goals, problems }: RowResult, where: string) {
  const names = Object.keys(metrics);
  const columns = Object.values(metrics).map(headOf);
  const figures = variants.map((variant) => [
    variant.name,
    variant.kind,
    ...names.map((name) => {
      const spread = spreadOf(valuesOf(variant, name));
      return spread ? showSpread(spread) : '';
    }),
    notesOf(variant),
  ]);
  const judged = goals.map((goal) => [goal.text, sidesOf(goal, variants), seen(goal), verdictOf(goal)]);
  return [
    `### ${number}. ${title}`,
    '',
    method.replaceAll(/\s+/g, ' '),
    '',
    `![${title}](rows/${String(number).padStart(2, '0')}.svg)`,
    '',
    table(['variant', 'kind', ...columns, 'notes'], figures),
    '',
    ...(problems.length > 0
      ? ['**Not counted:**', '', ...problems.map((problem) => `- ${cell(problem)}`), '']
      : []),
    ...(judged.length > 0 ? [table(['goal', 'of', 'median [min–max]', 'verdict'], judged), ''] : []),
    `${run.rounds} ${run.rounds === 1 ? 'round' : 'rounds'} (${run.size}), ${run.date.slice(0, 10)}, commit \`${run.commit}\`${where}.`,
  ];
}

/** A count has no unit. */
export function headOf({ label, unit }: Metric): string {
  return unit === '' ? label : `${label}, ${unit}`;
}

/** Of the peers only those that this run has measured. */
function sidesOf({ of, against, metric }: Judgement, variants: readonly VariantResult[]): string {
  const measured = variants.filter((variant) => valuesOf(variant, metric).length > 0).map(({ name }) => name);
  const others = against?.filter((name) => measured.includes(name)) ?? [];
  return others.length > 0 ? `${of} / ${others.join(' or ')}` : of;
}

function seen({ spread }: Judgement): string {
  return spread ? showSpread(spread) : '';
}

function verdictOf({ verdict }: Judgement): string {
  return verdict === 'met' ? 'met' : `**${verdict}**`;
}

function notesOf({ unavailable, rounds }: VariantResult): string {
  if (unavailable !== undefined) return `not measured: ${unavailable}`;
  const failures = rounds.flatMap((outcome) => (isMeasurement(outcome) ? [] : [outcome.failed]));
  const notes = rounds.flatMap((outcome) => (isMeasurement(outcome) ? (outcome.note ?? []) : []));
  const lossOf = (name: 'missed' | 'doubled' | 'disordered') =>
    rounds.reduce((sum, outcome) => sum + (isMeasurement(outcome) ? outcome[name] : 0), 0);
  const losses = (['missed', 'doubled', 'disordered'] as const)
    .filter((name) => lossOf(name) > 0)
    .map((name) => `${show(lossOf(name))} ${name}`);
  const failed = `failed in ${failures.length} of ${rounds.length} rounds: ${[...new Set(failures)].join('; ')}`;
  return [...(failures.length > 0 ? [failed] : []), ...losses, ...new Set(notes)].join('; ');
}

function describe(machine: Machine): string {
  const settings = Object.entries(machine.settings).map(([name, value]) => `\`${name} = ${value}\``);
  return [
    `${machine.cores} × ${machine.model}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}`,
    `Node ${machine.node}`,
    `Postgres ${machine.postgres}${settings.length > 0 ? ` with ${settings.join(', ')}` : ''}`,
    `8 KiB written and synced (fdatasync) in ${show(machine.fdatasyncUs)} µs`,
    machine.pinned ? 'what is measured on one core, the load on another' : 'nothing pinned to cores',
  ].join('; ');
}

/** Its noise, the disk's speed of the day, does not make it another machine. */
function labelOf(machine: Machine): string {
  return JSON.stringify({ ...machine, fdatasyncUs: 0 });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').replaceAll('<', '&lt;');
}

/** Puts `body` between `<!-- name -->` and `<!-- /name -->`; what is written around them stays. @throws without both. */
export function replaceSection(text: string, name: string, body: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`The page has no section between ${open} and ${close}`);
  return `${text.slice(0, start + open.length)}\n\n${body.trim()}\n\n${text.slice(end)}`;
}
