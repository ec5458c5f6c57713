import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { once, until } from '../../support/until.ts';

export interface InstanceConfig {
  /** URL of the module with the version's Fastify plugin. */
  readonly plugin: string;
  readonly name: string;
  readonly databaseUrl: string;
  readonly secret: string;
  readonly migrate: boolean;
  /** File for what it logs. */
  readonly log: string;
}

export type FromInstance =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

export interface Instance {
  readonly name: string;
  readonly port: number;
  /** SIGTERM; rejects when it did not end with 0. */
  stop(): Promise<void>;
}

/** Its start was refused, by a code of ours. */
export class StartRefused extends Error {
  readonly code: string;

  constructor({ code, message }: { code: string; message: string }) {
    super(message);
    this.code = code;
  }
}

const program = fileURLToPath(new URL('instance-process.ts', import.meta.url));
const running = new Set<ReturnType<typeof fork>>();

/** Resolves when it is ready. */
export async function startInstance(config: InstanceConfig): Promise<Instance> {
  const child = fork(program, [JSON.stringify(config)], { execArgv: ['--import', 'tsx'] });
  running.add(child);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const ended = exited.then((code): FromInstance => {
    return { kind: 'refused', code: 'EXIT', message: `${config.name} ended with ${code} while it started` };
  });
  const [told] = await Promise.race([once<[FromInstance]>(child, 'message'), ended.then((one) => [one])]);
  if (told?.kind !== 'listening')
    throw new StartRefused(told ?? { code: 'EXIT', message: 'it said nothing' });
  const { port } = told;
  await until(() => fetch(`http://127.0.0.1:${port}/health/ready`).then(({ ok }) => ok), {
    message: `${config.name} to be ready`,
  });
  return {
    name: config.name,
    port,
    async stop() {
      child.kill('SIGTERM');
      const code = await exited;
      if (code !== 0) throw new Error(`${config.name} ended with ${code}`);
    },
  };
}

/** What is left of them, when the run ends early. */
export function killInstances(): void {
  for (const child of running) child.kill('SIGKILL');
}
