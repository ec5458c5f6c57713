import type { Logger } from '../core/logger.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;

/** Says what happens before the server, with its own logger, is there: JSON lines as well. */
export function startLogger(level: string): Logger {
  const least = levels.indexOf(level as (typeof levels)[number]);
  const at = (name: (typeof levels)[number]) => (fields: object, message: string) => {
    if (least < 0 && level !== 'trace') return;
    if (levels.indexOf(name) < least) return;
    process.stdout.write(`${JSON.stringify({ level: name, time: Date.now(), ...fields, msg: message })}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
