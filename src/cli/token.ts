import { readEnvironment } from '../config/environment.ts';
import { CommitcastError } from '../core/errors.ts';
import { parseOptions, type Command } from './command.ts';
import { readSecret } from './folder.ts';
import { signToken } from './sign-token.ts';

export const tokenCommand: Command = {
  name: 'token',
  summary: "Prints a token, signed with JWT_SECRET or with the secret of this folder's development server.",
  usage: [
    '--org ID        the org of the token',
    '--user ID       subject; default: developer',
    '--role, --email, --site ID (repeat), --unit ID (repeat)',
    '--ttl 1h        how long it is valid: a number and s, m, h or d',
  ],
  async run(args) {
    const { org, user, role, email, site, unit, ttl } = parseOptions(args, {
      org: { type: 'string' },
      user: { type: 'string' },
      role: { type: 'string' },
      email: { type: 'string' },
      site: { type: 'string', multiple: true },
      unit: { type: 'string', multiple: true },
      ttl: { type: 'string' },
    });
    if (org === undefined) throw new CommitcastError('USAGE', '--org is needed');
    const settings = readEnvironment(process.env);
    const secret = settings.jwtSecret ?? (await readSecret());
    if (secret === undefined) {
      throw new CommitcastError(
        'JWT_KEY_REQUIRED',
        'There is no JWT_SECRET to sign with, and no secret of a development server in this folder',
      );
    }
    const token = await signToken(secret, settings, {
      org,
      user,
      role,
      email,
      sites: site,
      units: unit,
      ttl,
    });
    process.stdout.write(`${token}\n`);
  },
};
