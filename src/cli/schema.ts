import { parseArgs } from 'node:util';
import { CommitcastError } from '../core/errors.ts';
import type { Command } from './command.ts';
import { asyncApiOf } from './schema/asyncapi.ts';
import { dataSchemaOf } from './schema/data-schema.ts';
import { loadDefinitions } from './schema/load-definitions.ts';

const formats = ['json-schema', 'asyncapi'];

export const schemaCommand: Command = {
  name: 'schema',
  summary: 'Prints what a module that calls `defineEvents` says of its events. Needs no database.',
  usage: [
    'MODULE          a JavaScript module whose `default`, or `events`, is what `defineEvents` returns',
    '--format json-schema   the JSON Schema (2020-12) of the data of each type, by its name; the default',
    '--format asyncapi      an AsyncAPI 3 document: the rooms as channels, the events of the wire as messages',
    '--title TEXT, --version TEXT   of the AsyncAPI document; default: Events, 1.0.0',
  ],
  async run(args) {
    const { module, format, title, version } = parse(args);
    const definitions = await loadDefinitions(module);
    const document =
      format === 'asyncapi'
        ? asyncApiOf(definitions, { title, version })
        : Object.fromEntries(
            Object.keys(definitions.schemas).map((type) => [
              type,
              dataSchemaOf(definitions, type, 'draft-2020-12'),
            ]),
          );
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  },
};

/** @throws {CommitcastError} `USAGE` */
function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      strict: true,
      allowPositionals: true,
      options: {
        format: { type: 'string', default: 'json-schema' },
        title: { type: 'string', default: 'Events' },
        version: { type: 'string', default: '1.0.0' },
      },
    });
    const [module, ...others] = positionals;
    if (module === undefined || others.length > 0) throw new Error('one module is needed');
    if (!formats.includes(values.format)) throw new Error(`--format is one of ${formats.join(', ')}`);
    return { ...values, module };
  } catch (error) {
    throw new CommitcastError('USAGE', (error as Error).message, { cause: error });
  }
}
