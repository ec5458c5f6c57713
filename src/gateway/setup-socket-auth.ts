import type { Server, Socket } from 'socket.io';
import { CommitcastError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import type { Subscription } from '../core/subscription.ts';
import { createAuthenticate, type ClaimedIdentity } from './authenticate.ts';
import { authorizeByLists, type Authorize } from './authorize.ts';
import { nowhere, Timetable, type Due } from './expiry.ts';
import { farewell } from './farewell.ts';
import { handshakeMiddleware } from './handshake.ts';
import type { Identity, Membership } from './identity.ts';
import { refuseRepeatedPolls } from './repeated-polls.ts';
import { roomOf } from './rooms.ts';
import { SocketService, type EphemeralMessages } from './socket-service.ts';
import { clockToleranceSeconds, createTokenVerifier, type Claims, type TokenOptions } from './token.ts';

/** How tokens become identities; the same for the plugin and for an application's own Socket.IO server. */
export interface IdentityOptions {
  /** Exactly one of `secret`, `publicKey`, `jwksUrl`; unless `verifyAccessToken` is given. */
  jwt?: TokenOptions | undefined;
  /** Reads other claims than the default ones. */
  identify?: ((claims: Claims) => ClaimedIdentity) | undefined;
  /** Replaces the verification as a whole; throws for a token that it does not take. */
  verifyAccessToken?: ((token: string) => Promise<Identity>) | undefined;
  /** The user's org when the token names none. */
  getUserPrimaryOrganization?: ((userId: string) => Promise<Membership | null>) | undefined;
  /** The user's membership in the org that the handshake asks for. Default: the primary one, if it is that org. */
  getUserOrganization?: ((userId: string, organizationId: string) => Promise<Membership | null>) | undefined;
  /** Default: `authorizeByLists`. */
  authorize?: Authorize | undefined;
}

/** @throws {CommitcastError} `CONFIG_INVALID` when the key is missing, double or unusable */
export function createIdentityChecks(options: IdentityOptions) {
  const primary = options.getUserPrimaryOrganization ?? (() => Promise.resolve(null));
  const authenticate = createAuthenticate({
    verifyToken: options.verifyAccessToken
      ? () => Promise.reject(new CommitcastError('TOKEN_INVALID'))
      : createTokenVerifier(options.jwt ?? {}),
    identify: options.identify,
    verifyAccessToken: options.verifyAccessToken,
    getUserPrimaryOrganization: primary,
    getUserOrganization:
      options.getUserOrganization ??
      (async (userId, organizationId) => {
        const membership = await primary(userId);
        return membership?.organizationId === organizationId ? membership : null;
      }),
  });
  return { authenticate, authorize: options.authorize ?? authorizeByLists };
}

/**
 * For an application with its own Socket.IO server: authenticates every handshake by JWT before the connection exists,
 * fills `socket.data` (`organizationId, userId, profileId, role, email`), joins the org's room, and ends the connection
 * when the token ends. It delivers no events of the log: that is what the Fastify plugin is for.
 *
 * @example
 * const sockets = setupSocketAuth(io, { jwt: { secret: process.env.JWT_SECRET } });
 * io.on('connection', async (socket) => { await sockets.joinSite(socket, 'harbour'); });
 */
export function setupSocketAuth<Messages extends EphemeralMessages = EphemeralMessages>(
  io: Server,
  { logger = silentLogger, ...options }: IdentityOptions & { logger?: Logger },
): SocketService<Messages> {
  // It lets clients back in without asking for a token, and sends them what they missed before any middleware runs.
  if (recoversState(io))
    throw new CommitcastError(
      'CONFIG_INVALID',
      'connectionStateRecovery of Socket.IO skips authentication: leave it off',
    );
  const { authenticate, authorize } = createIdentityChecks(options);
  refuseRepeatedPolls(io);
  const identities = new WeakMap<Socket, Identity>();
  const identityOf = (socket: Socket): Identity => {
    const identity = identities.get(socket);
    if (!identity) throw new CommitcastError('TOKEN_REQUIRED');
    return identity;
  };
  const roomFor = (socket: Socket, subscription: Subscription) =>
    roomOf(identityOf(socket).organizationId, subscription);

  io.use(
    handshakeMiddleware(async (socket) => {
      const auth = socket.handshake.auth as Record<string, unknown>;
      const identity = await authenticate(auth['token'], auth['org']);
      identities.set(socket, identity);
      return identity;
    }, logger),
  );
  const expiries = new Timetable<Due & { socket: Socket }>(({ socket }) => {
    farewell(socket, 'TOKEN_EXPIRED');
  });
  io.on('connection', (socket) => {
    void socket.join(roomFor(socket, {}));
    const expiry = { socket, dueAt: 0, place: nowhere };
    expiries.put(expiry, (identityOf(socket).expiresAt + clockToleranceSeconds) * 1000);
    socket.on('disconnect', () => {
      expiries.remove(expiry);
    });
  });
  return new SocketService<Messages>({
    io,
    join: async (socket, subscription) => {
      if (!(await authorize(identityOf(socket), subscription)))
        throw new CommitcastError('SUBSCRIPTION_DENIED');
      // Gone while `authorize` was asked: it sees nothing any more.
      if (!socket.connected) throw new CommitcastError('SUBSCRIPTION_DENIED', 'The socket has disconnected');
      await socket.join(roomFor(socket, subscription));
    },
    leave: async (socket, subscription) => {
      await socket.leave(roomFor(socket, subscription));
    },
  });
}

function recoversState(io: Server): boolean {
  const { opts } = io as unknown as { opts?: { connectionStateRecovery?: unknown } };
  return opts?.connectionStateRecovery !== undefined;
}
