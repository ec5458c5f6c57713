import type { Bench } from '../harness/row.ts';
import { secret } from '../../support/tokens.ts';
import { startSocketIoFloor, startWsFloor, type Floor, type SocketIoFloor } from '../floors/floors.ts';
import type { Pulse } from '../floors/pulse.ts';
import { startChild } from './child.ts';
import { cpuUs } from './cpu.ts';
import type { SinkKind } from './sink-socket.ts';
import { startWriter, type Writer } from './writer.ts';

/** A server that hands events to sockets, with whatever makes the events: the same work for ours, floors and peers. */
export interface Subject {
  readonly url: string;
  readonly kind: SinkKind;
  /** Of all its threads so far. */
  cpuUs(): Promise<number>;
  /** Resident memory in bytes. */
  memory(): Promise<number>;
  /** Bytes of the heap in use after a collection; not a number for what has none. */
  heap(): Promise<number>;
  /** Events at these times, open loop. Returns how many, when all have been handed over. */
  send(pulse: Pulse): Promise<number>;
}

/** An instance of ours; the events are committed by another process. A pulse is a transaction, of events of as many units. */
export async function commitcastSubject(bench: Bench): Promise<Subject> {
  const databaseUrl = await bench.database('subject');
  const server = startChild(bench, {
    args: ['--expose-gc', new URL('server-process.ts', import.meta.url).pathname],
    core: bench.cores.server,
  });
  const port = await server.call<number>('start', { databaseUrl, secret });
  let writer: Promise<Writer> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    kind: 'commitcast',
    cpuUs: () => cpuUs(server.process.pid ?? 0),
    memory: () => server.memory(),
    heap: () => server.call('heap'),
    send: async ({ events, ...load }) => {
      writer ??= startWriter(bench, { databaseUrl, connections: 8 });
      const { sent } = await (await writer).run({ ...load, eventsPerTransaction: events, units: events });
      return sent;
    },
  };
}

export async function wsSubject(bench: Bench): Promise<Subject> {
  return floorSubject(await startWsFloor(bench), 'ws');
}

export async function socketIoSubject(bench: Bench, options: SocketIoFloor): Promise<Subject> {
  return floorSubject(await startSocketIoFloor(bench, options), 'socket.io');
}

function floorSubject(floor: Floor, kind: SinkKind): Subject {
  return {
    url: floor.url,
    kind,
    cpuUs: () => cpuUs(floor.process.pid ?? 0),
    memory: () => floor.memory(),
    heap: () => floor.heap(),
    send: (pulse) => floor.pulse(pulse),
  };
}
