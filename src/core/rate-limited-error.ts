import { CommitcastError } from './errors.ts';

/** Too much, too soon. `code` is `RATE_LIMITED`; what a client is told says when there is room again. */
export class RateLimitedError extends CommitcastError {
  readonly retryAfterMs: number;
  override readonly data: { readonly code: 'RATE_LIMITED'; readonly retryAfterMs: number };

  constructor(retryAfterMs: number, message?: string) {
    super('RATE_LIMITED', message);
    this.retryAfterMs = retryAfterMs;
    this.data = { code: 'RATE_LIMITED', retryAfterMs };
  }

  override toJSON(): { code: 'RATE_LIMITED'; message: string; retryAfterMs: number } {
    return { code: 'RATE_LIMITED', message: this.message, retryAfterMs: this.retryAfterMs };
  }
}
