import { WebSocket, XHR } from 'socket.io-client';
import type { TransportOptions } from '../client/index.ts';

type Opened = WebSocket | XHR;

/**
 * The browser's own transports, with scissors: while it is cut, what is open ends and nothing opens, as in a tunnel. The
 * client is not told and not helped: it finds its connection lost, tries in vain, and comes back with its cursor.
 */
export class CuttableTransports {
  readonly options: NonNullable<TransportOptions['transports']>;
  readonly #open = new Set<Opened>();
  #isCut = false;

  constructor() {
    const open = (transport: Opened, doOpen: () => void, fail: () => void) => {
      // Not before whoever opens it listens.
      if (this.#isCut) setTimeout(fail);
      else {
        this.#open.add(transport);
        for (const end of ['close', 'error'] as const)
          transport.once(end, () => this.#open.delete(transport));
        doOpen();
      }
    };

    class CuttableWebSocket extends WebSocket {
      override doOpen(): this {
        open(
          this,
          () => super.doOpen(),
          () => this.onError('cut', undefined),
        );
        return this;
      }
    }

    class CuttablePolling extends XHR {
      override doOpen(): this {
        open(
          this,
          () => super.doOpen(),
          () => this.onError('cut', undefined),
        );
        return this;
      }
    }

    this.options = [CuttableWebSocket, CuttablePolling];
  }

  cut(): void {
    this.#isCut = true;
    for (const transport of this.#open) transport.close();
  }

  mend(): void {
    this.#isCut = false;
  }
}
