import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const endWithParent = new URL('end-with-parent.mjs', import.meta.url).href;

/**
 * Starts a Node process, and starts it again `pauseMs` after it has ended. `stop` ends it for good, in order.
 *
 * @param {{ name: string, args: string[], env: Record<string, string>, pauseMs: number, tell: (line: string) => void }} options
 */
export function keepRunning({ name, args, env, pauseMs, tell }) {
  const stopping = new AbortController();
  let restarts = 0;
  let child = start();
  const running = run();

  function start() {
    // In a group of its own: Ctrl-C at the terminal is for the parent, which stops its children one after the other.
    const options = { env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] };
    const started = spawn(process.execPath, ['--import', endWithParent, ...args], options);
    createInterface({ input: started.stdout }).on('line', (line) => tellLogged(line));
    createInterface({ input: started.stderr }).on('line', (line) => tell(`[${name}] ${line}`));
    return started;
  }

  async function run() {
    for (;;) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (stopping.signal.aborted) return;
      tell(
        `[${name}] ended (${child.signalCode ?? child.exitCode}); it starts again in ${pauseMs / 1_000} s`,
      );
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      restarts += 1;
      child = start();
      tell(`[${name}] starts again, pid ${child.pid}`);
    }
  }

  /** Of what a server prints, its log; the rest is for somebody who started it by hand. */
  function tellLogged(line) {
    if (line.startsWith('{')) tell(`[${name}] ${JSON.parse(line).msg}`);
    else if (line.startsWith('[')) tell(line);
  }

  return {
    get pid() {
      return child.pid;
    },
    get restarts() {
      return restarts;
    },
    async stop() {
      stopping.abort();
      child.kill('SIGTERM');
      const tooLate = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await running;
      clearTimeout(tooLate);
    },
  };
}
