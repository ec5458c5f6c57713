import type { Executor } from '../../src/db/executor.ts';
import { maxBatchEvents } from '../../src/core/protocol.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import type { ReplayPages } from '../../src/gateway/replay-pages.ts';
import type { PageRow } from '../../src/log/page.ts';

export const epoch = 'abcdefgh';

export interface Answer {
  /** Events of the page; default none. */
  positions?: number[];
  /** Whether there is more that was wanted, so that the page ends with its last event. */
  more?: boolean;
  /** Of each event's data; its JSON has about a hundred more. */
  bytes?: number;
  /** Of the history that the database has. */
  epoch?: string | null;
}

/** One statement that `readRooms` has begun, and that waits for what the test lets the database say. */
export interface HeldStatement {
  readonly org: string;
  readonly after: number;
  readonly upTo: number;
  /** Of the scopes that are wanted; `undefined` for all of the org. */
  readonly rooms: readonly string[] | undefined;
  answer(answer?: Answer): void;
  fail(error: Error): void;
}

/** A log of which a test decides what each statement finds, and when. */
export class HeldLog implements Executor {
  readonly statements: HeldStatement[] = [];
  running = 0;

  query(_: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    const [org, after, upTo, limit, rooms] = values as [string, number, number, number, string[]?];
    if (limit !== maxBatchEvents) throw new Error(`a page of ${limit} events`);
    this.running += 1;
    return new Promise((resolve, reject) => {
      this.statements.push({
        org,
        after,
        upTo,
        rooms,
        answer: (answer = {}) => {
          this.running -= 1;
          resolve({ rows: rowsOf(org, answer) });
        },
        fail: (error) => {
          this.running -= 1;
          reject(error);
        },
      });
    });
  }

  statement(index: number): HeldStatement {
    const statement = this.statements.at(index);
    if (!statement) throw new Error(`there is no statement ${index}`);
    return statement;
  }
}

/** One ask of a session that is at 10, in an org whose dispatcher is at 20, unless it is said otherwise. */
export function ask(
  pages: ReplayPages,
  range: Partial<Omit<Parameters<ReplayPages['read']>[0], 'signal'>> = {},
) {
  const session = new AbortController();
  const subscriptions: Subscription[] = [{}];
  const { signal } = session;
  const page = pages.read({ org: 'acme', epoch, subscriptions, after: 10, upTo: 20, ...range, signal });
  // Looked at later; until then it is nobody's unhandled rejection.
  page.catch(() => undefined);
  return { page, leave: () => session.abort(new Error('the session has ended')) };
}

const nothing = {
  position: null,
  id: null,
  org_id: null,
  site_id: null,
  unit_id: null,
  type: null,
  data: null,
  stream: null,
  version: null,
  meta: null,
  created_at: null,
  control: null,
  committed_at: null,
};

function rowsOf(org: string, { positions = [], more = false, bytes = 2, epoch: history = epoch }: Answer) {
  const wanted = String(positions.length + (more ? 1 : 0));
  const about: PageRow = { ...nothing, floor: '1', epoch: history, wanted };
  const events = positions.map((position): PageRow => ({
    ...nothing,
    position: String(position),
    id: `id-${position}`,
    org_id: org,
    type: 'x',
    data: JSON.stringify('x'.repeat(bytes - 2)),
    created_at: new Date(0),
    control: false,
    floor: null,
    epoch: null,
    wanted: null,
  }));
  return [about, ...events];
}
