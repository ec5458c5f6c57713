import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inTime } from '../../src/core/sleep.ts';
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcp-proxy.ts';
import { secret } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import type {
  AdapterShares,
  FromInstance,
  InstanceConfig,
  Leftovers,
  ToInstance,
} from './instance-protocol.ts';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const script = join(import.meta.dirname, 'instance-process.ts');
const startTimeoutMs = 60_000;
const answerTimeoutMs = 15_000;

export interface InstanceOptions extends Pick<
  InstanceConfig,
  'adapter' | 'redisUrl' | 'continuity' | 'atomic' | 'seed' | 'log'
> {
  name: string;
  index: number;
  databaseUrl: string;
}

type Reported = Pick<Extract<FromInstance, { kind: 'status' }>, 'disturbed' | 'handed'>;

/** One instance of the cluster: its process, and the proxy through which it reaches Postgres. */
export class ChaosInstance {
  readonly name: string;
  readonly index: number;
  readonly proxy: TcpProxy;
  /** Ends that nobody had asked for. */
  readonly deaths: string[] = [];
  /** A fault is being done to it. */
  busy = false;
  #leading = false;
  /** What its processes have said: those that were killed, and the one that runs. */
  readonly #formerly: Reported[] = [];
  #reported: Reported = { disturbed: {}, handed: {} };
  #port = 0;
  #asked = 0;
  #child: ChildProcess | undefined;
  readonly #options: InstanceOptions;
  readonly #answers = new Map<number, (leftovers: Leftovers) => void>();

  private constructor(options: InstanceOptions, proxy: TcpProxy) {
    this.#options = options;
    this.name = options.name;
    this.index = options.index;
    this.proxy = proxy;
  }

  /** Resolves when it listens. */
  static async start(options: InstanceOptions): Promise<ChaosInstance> {
    const instance = new ChaosInstance(options, await startTcpProxy(options.databaseUrl));
    await instance.start();
    return instance;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** As it said last: a tenth of a second ago, or before it froze. */
  get leading(): boolean {
    return this.#leading;
  }

  /** Doorbells by what was done to them. */
  get disturbed(): Record<string, number>[] {
    return [...this.#formerly, this.#reported].map(({ disturbed }) => disturbed);
  }

  /** Events that the handlers of its consumers were given. */
  get handed(): Record<string, number>[] {
    return [...this.#formerly, this.#reported].map(({ handed }) => handed);
  }

  /** As a process manager does it: again and again, for an instance does not come up while Postgres is away. */
  async restart(): Promise<void> {
    const up = () => this.start().then(() => true);
    await until(up, { timeoutMs: startTimeoutMs, message: `instance ${this.name} to be back` });
  }

  /** A new process, on the port of the one before. */
  async start(): Promise<void> {
    const { adapter, redisUrl, continuity, atomic, seed, log } = this.#options;
    const config: InstanceConfig = {
      databaseUrl: this.proxy.url,
      port: this.#port,
      secret,
      adapter,
      redisUrl,
      continuity,
      atomic,
      seed,
      log,
    };
    const args = ['--expose-gc', '--import', tsx, script, JSON.stringify(config)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    child.on('message', (message: FromInstance) => {
      // What a killed process had said may come late.
      if (this.#child === child) this.#hear(message);
    });
    child.on('error', () => undefined);
    const ended = new AbortController();
    try {
      this.#port = await inTime(
        Promise.race([
          listening(child),
          once(child, 'exit', { signal: ended.signal }).then(() => {
            throw new Error(`instance ${this.name} ended before it listened`);
          }),
        ]),
        startTimeoutMs,
      );
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      ended.abort();
    }
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.deaths.push(`instance ${this.name} ended by itself: ${code ?? signal}`);
      this.restart().catch((error: unknown) => this.deaths.push(String(error)));
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#leading = false;
    this.#formerly.push(this.#reported);
    this.#reported = { disturbed: {}, handed: {} };
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  disturb(shares: AdapterShares): void {
    this.#send({ kind: 'disturb', shares });
  }

  async count(): Promise<Leftovers> {
    const id = ++this.#asked;
    const answer = new Promise<Leftovers>((resolve) => this.#answers.set(id, resolve));
    this.#send({ kind: 'count', id });
    return inTime(answer, answerTimeoutMs).finally(() => this.#answers.delete(id));
  }

  /** Ends the process in order, then by kill -9; and the proxy. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.thaw();
    this.#child = undefined;
    if (child?.connected) {
      const exited = once(child, 'exit');
      child.disconnect();
      await inTime(exited, 6_000).catch(() => undefined);
    }
    child?.kill('SIGKILL');
    await this.proxy.close();
  }

  #send(message: ToInstance): void {
    if (this.#child?.connected) this.#child.send(message, () => undefined);
  }

  #hear(message: FromInstance): void {
    if (message.kind === 'status') {
      this.#leading = message.leading;
      this.#reported = message;
    } else if (message.kind === 'counted') this.#answers.get(message.id)?.(message.leftovers);
  }
}

function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromInstance) => {
      if (message.kind === 'listening') resolve(message.port);
      else if (message.kind === 'failed') reject(new Error(message.message));
    });
  });
}
