import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EventDefinitions } from '../../core/define-events.ts';
import { CommitcastError } from '../../core/errors.ts';

/**
 * What `defineEvents` returned in a module of the application. It may be of another copy of this package.
 *
 * @throws {CommitcastError} `USAGE` when it cannot be loaded, or has no definitions
 */
export async function loadDefinitions(path: string): Promise<EventDefinitions> {
  const { default: whole, events } = await load(path);
  // A CommonJS module is all of it the default.
  const candidates = [whole, events, (whole as { events?: unknown } | undefined)?.events];
  const found = candidates.find(isDefinitions);
  if (!found)
    throw new CommitcastError(
      'USAGE',
      `${path} exports neither as default nor as \`events\` what defineEvents returns`,
    );
  return found;
}

async function load(path: string): Promise<{ default?: unknown; events?: unknown }> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown; events?: unknown };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isTypeScript = code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?$/.test(path);
    const advice = isTypeScript
      ? 'this Node does not load TypeScript: name the compiled module, or set NODE_OPTIONS="--import tsx"'
      : message;
    throw new CommitcastError('USAGE', `${path} could not be loaded: ${advice}`, { cause: error });
  }
}

function isDefinitions(value: unknown): value is EventDefinitions {
  if (typeof value !== 'object' || value === null) return false;
  const { schemas, versions, parse } = value as Partial<EventDefinitions>;
  return typeof schemas === 'object' && typeof versions === 'object' && typeof parse === 'function';
}
