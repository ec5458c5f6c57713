import type { FastifyError, FastifyInstance } from 'fastify';
import { codes, type Code } from '../core/codes.ts';
import { CommitcastError, toPublicError } from '../core/errors.ts';
import { RateLimitedError } from '../core/rate-limited-error.ts';
import { isUnreachable } from '../db/sql-state.ts';

/** Errors of these routes are answered as `{ error: { code, message } }`; those of the application stay its own. */
export function answerErrors(scope: FastifyInstance, onRefusal: (code: Code) => void = () => {}): void {
  scope.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = isBadRequest(error)
      ? new CommitcastError('LIMIT_INVALID', error.message)
      : publicErrorOf(error);
    onRefusal(refusal.code);
    if (refusal.code === 'INTERNAL') request.log.error({ err: error }, 'a request failed');
    if (refusal instanceof RateLimitedError)
      void reply.header('retry-after', Math.ceil(refusal.retryAfterMs / 1_000));
    return reply.code(codes[refusal.code].status).send({ error: refusal.toJSON() });
  });
}

/** What may be told of an error over HTTP: also that the database is away. */
export function publicErrorOf(error: unknown): CommitcastError {
  return toPublicError(isUnreachable(error) ? new CommitcastError('UNAVAILABLE') : error);
}

function isBadRequest(error: FastifyError): boolean {
  return !(error instanceof CommitcastError) && error.statusCode === 400;
}
