import type { ManagerOptions, Socket, SocketOptions } from 'socket.io-client';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { ClientToServerEvents, ResetReason, ServerToClientEvents } from '../../src/core/protocol.ts';
import type { Subscription } from '../../src/core/subscription.ts';

export interface FollowOptions {
  getToken: () => Promise<string>;
  cursor?: string | undefined;
  subscriptions?: readonly Subscription[] | undefined;
  onEvent: (event: CommitcastEvent) => void;
  onReset: (reason: ResetReason) => void;
  /** With a code; or with what `getToken` has thrown. */
  onEnd: (reason: unknown) => void;
  options?: Partial<ManagerOptions & SocketOptions> | undefined;
}

export function follow(
  url: string,
  options: FollowOptions,
): Socket<ServerToClientEvents, ClientToServerEvents>;
