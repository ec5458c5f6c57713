import { readEnvironment } from '../config/environment.ts';
import { parseOptions, type Command } from './command.ts';
import { describeError, errorText } from './describe-error.ts';
import { diagnosisText, exitCodeOf } from './doctor/diagnosis-text.ts';
import { examine } from './doctor/examine.ts';
import { findDatabase } from './folder.ts';
import { printableJson } from './printable.ts';
import { terminalWidth } from './terminal.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Looks for what is wrong with database, schema, roles and instances, and says how to mend it.',
  usage: [
    '--json   as one object: { findings: [{ code, severity, meaning, seen, remedy }], unseen }',
    'Exit code 0: nothing but notes. 1: errors or warnings. 2: it could not look.',
    'The settings are those that an instance would have: DATABASE_URL, REDIS_URL, JWT_JWKS_URL, …',
  ],
  async run(args) {
    const asJson = args.includes('--json');
    try {
      parseOptions(args, { json: { type: 'boolean' } });
      const settings = readEnvironment(process.env);
      const diagnosis = await examine({ connectionString: await findDatabase(), settings });
      process.stdout.write(
        `${asJson ? printableJson(diagnosis) : diagnosisText(diagnosis, terminalWidth())}\n`,
      );
      process.exitCode = exitCodeOf(diagnosis);
    } catch (error) {
      const described = describeError(error);
      if (asJson) process.stdout.write(`${printableJson({ error: described })}\n`);
      process.stderr.write(`${errorText(described)}\n`);
      // Not 1: nobody knows whether something is wrong.
      process.exitCode = 2;
    }
  },
};
