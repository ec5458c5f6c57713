import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CommitcastError } from '../core/errors.ts';
import { terminalWidth, wrapped } from './terminal.ts';

export interface Command {
  name: string;
  summary: string;
  /** One line an option, as shown by `help`. */
  usage: readonly string[];
  run(args: string[]): Promise<void>;
}

export function helpText(shown: readonly Command[], width = terminalWidth()): string {
  const lines = shown.flatMap(({ name, summary, usage }) => [
    `commitcast ${name}`,
    wrapped(`  ${summary}`, width, '  '),
    ...usage.map((line) => wrapped(`    ${line}`, width, '        ')),
    '',
  ]);
  return `${lines.join('\n')}\n`;
}

type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** The values of options that were declared so. */
export type Parsed<Options extends OptionTypes> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; strict: true; allowPositionals: false }>
>['values'];

/** @throws {CommitcastError} `USAGE` for an unknown option, a missing value, or a stray word */
export function parseOptions<Options extends OptionTypes>(args: string[], options: Options): Parsed<Options> {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new CommitcastError('USAGE', (error as Error).message, { cause: error });
  }
}
