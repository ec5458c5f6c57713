import type { Logger } from '../core/logger.ts';
import type { ErrorReport, LoggedProblem } from '../core/status.ts';

const maxRecent = 20;
/** Of SQLSTATEs, of ours and of Node's. What else an error calls its code may be anything, data too. */
const codePattern = /^[A-Z0-9_]{2,40}$/;

interface Problem extends Omit<LoggedProblem, 'agoMs'> {
  at: number;
}

/**
 * Hands all lines on to a logger, and remembers the last warnings and errors for the status. Of an error only its code
 * is kept: its message may hold data of an event, or the text of a statement.
 */
export class ProblemLog implements Logger {
  readonly #logger: Logger;
  readonly #recent: Problem[] = [];
  #warnings = 0;
  #errors = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get report(): ErrorReport {
    const now = performance.now();
    return {
      warnings: this.#warnings,
      errors: this.#errors,
      recent: this.#recent
        .map(({ at, ...problem }) => ({ agoMs: Math.round(now - at), ...problem }))
        .toReversed(),
    };
  }

  debug(fields: object, message: string): void {
    this.#logger.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#logger.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#warnings += 1;
    this.#remember('warn', fields, message);
    this.#logger.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.#errors += 1;
    this.#remember('error', fields, message);
    this.#logger.error(fields, message);
  }

  #remember(level: Problem['level'], fields: object, message: string): void {
    this.#recent.push({ at: performance.now(), level, message, code: codeOf(fields) });
    if (this.#recent.length > maxRecent) this.#recent.shift();
  }
}

function codeOf(fields: object): string | null {
  const { code } = ((fields as { err?: unknown }).err ?? {}) as { code?: unknown };
  return typeof code === 'string' && codePattern.test(code) ? code : null;
}
