import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { ClientHistory, Step } from '../../src/testing/history.ts';
import { findTool } from '../support/tools.ts';

const script = join(import.meta.dirname, 'client.py');

export type Transport = 'websocket' | 'polling';

/** One line of what `client.py` prints: the name of a message and its argument. */
type Line = [name: string, argument: unknown];

export interface PythonOptions {
  token: string;
  org?: string;
  cursor?: string;
  subscriptions?: readonly Subscription[];
  /** Default: the library's own: long polling first, then WebSocket. */
  transport?: Transport | undefined;
}

/** The Python client of the documentation in a process of its own, and what it has printed. */
export class PythonClient implements ClientHistory {
  readonly name = 'python';
  readonly org: string;
  readonly subscriptions: readonly Subscription[];
  readonly lines: Line[] = [];
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  stderr = '';
  readonly #tokenFile: string;

  constructor(url: string, tokenFile: string, options: PythonOptions) {
    const { org = 'acme', cursor, subscriptions = [], transport } = options;
    this.org = org;
    this.subscriptions = subscriptions;
    this.#tokenFile = tokenFile;
    const args = [
      ...(cursor === undefined ? [] : ['--cursor', cursor]),
      ...subscriptions.flatMap((subscription) => ['--subscription', JSON.stringify(subscription)]),
      ...(transport === undefined ? [] : ['--transport', transport]),
    ];
    const child = spawn(findTool('python3-socketio') ?? 'python3', [script, url, tokenFile, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(JSON.parse(line) as Line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(child, 'close').then(([code]) => code as number | null);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Arguments of all messages of this name. */
  heard<Argument = unknown>(name: string): Argument[] {
    return this.lines.flatMap(([heard, argument]) => (heard === name ? [argument as Argument] : []));
  }

  get events(): CommitcastEvent[] {
    return this.heard<CommitcastEvent>('event');
  }

  get cursor(): string | undefined {
    return this.heard<string>('cursor').at(-1);
  }

  /** For the checker: the events before a cursor are one message. */
  get steps(): Step[] {
    const steps: Step[] = [];
    let events: CommitcastEvent[] = [];
    for (const [name, argument] of this.lines) {
      if (name === 'connect') {
        if (steps.length > 0) steps.push({ kind: 'dropped' });
        steps.push({ kind: 'connected', cursor: (argument as string | null) ?? undefined });
      } else if (name === 'event') events.push(argument as CommitcastEvent);
      else if (name === 'cursor' && events.length > 0) {
        steps.push({ kind: 'events', events, cursor: argument as string });
        events = [];
      } else if (name === 'live' || name === 'reset') {
        steps.push({ kind: name, ...(argument as { cursor: string; reason: string }) });
      }
    }
    if (events.length > 0) throw new Error('events without a cursor after them');
    return steps;
  }

  /** What it reads when it connects again, or when the server asks. */
  async giveToken(token: string): Promise<void> {
    await writeFile(`${this.#tokenFile}.new`, token);
    await rename(`${this.#tokenFile}.new`, this.#tokenFile);
  }
}

export async function startPython(url: string, options: PythonOptions): Promise<PythonClient> {
  const folder = await mkdtemp(join(tmpdir(), 'commitcast-python-'));
  // Registered before the process is, so done after it has ended.
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, options.token);
  return new PythonClient(url, tokenFile, options);
}
