import type { FastifyBaseLogger } from 'fastify';
import type { Logger } from '../core/logger.ts';

const nothing = () => {};

/**
 * The application's logger in the form that Fastify asks for. Of a request it hears what goes wrong, and no more: the
 * application knows its requests; and the address of one may have a token in it.
 */
export function fastifyLogger(logger: Logger): FastifyBaseLogger {
  const at =
    (level: keyof Logger) =>
    (fields: unknown, message = ''): void => {
      // Fastify may leave out the fields.
      if (typeof fields === 'object' && fields !== null) logger[level](fields, message);
      else logger[level]({}, String(fields));
    };
  const problems = { fatal: at('error'), error: at('error'), warn: at('warn') };
  const rest = { level: 'info', trace: nothing, silent: nothing };
  const ofRequest: FastifyBaseLogger = {
    ...problems,
    ...rest,
    info: nothing,
    debug: nothing,
    child: () => ofRequest,
  };
  const ofInstance: FastifyBaseLogger = {
    ...problems,
    ...rest,
    info: at('info'),
    debug: at('debug'),
    child: (bindings) => ('reqId' in bindings ? ofRequest : ofInstance),
  };
  return ofInstance;
}
