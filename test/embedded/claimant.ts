/* A process that claims a folder, for tests in which several do so at once. */
import { once } from 'node:events';
import { claimFolder } from '../../src/embedded/folder-claim.ts';
import { writeInstance } from '../../src/embedded/instance-file.ts';

const [directory = ''] = process.argv.slice(2);
console.log(JSON.stringify({ ready: true }));
await once(process.stdin, 'data');
try {
  await claimFolder(directory);
  await writeInstance(directory, { url: `http://127.0.0.1/${process.pid}`, databaseUrl: '' });
  console.log(JSON.stringify({ won: true }));
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  console.log(JSON.stringify({ won: false, code, message }));
}
await once(process.stdin.resume(), 'end');
