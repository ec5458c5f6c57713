import { createServer } from 'node:http';
import { Server, type Namespace } from 'socket.io';
import { ClusterAdapter, type ClusterMessage } from 'socket.io-adapter';
import { onTestFinished } from 'vitest';

/** What all cluster adapters extend, over a bus in memory; so it is known what was sent, and in which order. */
export interface Bus {
  /** All messages that went out to the bus, as text. */
  readonly sent: string[];
  connect(): Server;
}

export function createBus(): Bus {
  const sent: string[] = [];
  const adapters = new Set<BusAdapter>();

  class BusAdapter extends ClusterAdapter {
    constructor(namespace: Namespace) {
      super(namespace);
      adapters.add(this);
    }

    receive(text: string): void {
      this.onMessage(JSON.parse(text) as ClusterMessage);
    }

    protected override doPublish(message: ClusterMessage): Promise<string> {
      const text = JSON.stringify(message);
      sent.push(text);
      for (const adapter of adapters) if (adapter !== this) adapter.receive(text);
      return Promise.resolve('');
    }

    protected override doPublishResponse(): Promise<void> {
      return Promise.resolve();
    }
  }

  return {
    sent,
    connect() {
      const io = new Server(createServer(), { adapter: BusAdapter });
      onTestFinished(() => io.close());
      return io;
    },
  };
}
