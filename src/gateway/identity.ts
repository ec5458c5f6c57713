/** Who a session is, and what it may see. `organizationId` is the only org that it ever reaches. */
export interface Identity {
  readonly userId: string;
  readonly organizationId: string;
  readonly profileId?: string | undefined;
  readonly role?: string | undefined;
  readonly email?: string | undefined;
  /** When given, only these; see `authorizeByLists`. */
  readonly sites?: readonly string[] | undefined;
  readonly units?: readonly string[] | undefined;
  /** Unix seconds at which the session ends. */
  readonly expiresAt: number;
  /**
   * Unix seconds at which the token was issued: what was revoked later is lost to it. Without it the token counts as
   * older than any revocation.
   */
  readonly issuedAt?: number | undefined;
}

/** What a membership says of a user in one org. */
export interface Membership {
  organizationId: string;
  profileId?: string | null;
  role?: string | null;
  email?: string | null;
  sites?: readonly string[] | null;
  units?: readonly string[] | null;
}

/** What Socket.IO users read from `socket.data`. */
export interface SocketData {
  organizationId: string;
  userId: string;
  profileId: string | undefined;
  role: string | undefined;
  email: string | undefined;
}

export function toSocketData({ organizationId, userId, profileId, role, email }: Identity): SocketData {
  return { organizationId, userId, profileId, role, email };
}
