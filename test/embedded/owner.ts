/* A process that owns an embedded server, for tests that kill it or run it as another user. See script-process.ts. */
import { once } from 'node:events';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';

const [directory = ''] = process.argv.slice(2);
process.on('SIGINT', () => {});
try {
  const postgres = await startEmbeddedPostgres({ directory });
  console.log(JSON.stringify({ url: postgres.url, adopted: postgres.adopted }));
  await once(process.stdin.resume(), 'end');
  await postgres.stop();
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  console.log(JSON.stringify({ code, message }));
}
