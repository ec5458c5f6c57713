import { CodedError } from '../core/coded-error.ts';
import { inTime } from '../core/sleep.ts';

/** A token, or how to get one: called at the start, before the one in use expires, and when one is refused. */
export type Token = string | (() => string | Promise<string>);

/** An application that takes longer to answer counts as not reachable. */
const patienceMs = 30_000;

export class TokenSource {
  readonly #token: Token;
  #known: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(token: Token) {
    this.#token = token;
    if (typeof token === 'string') this.#known = token;
  }

  /** Whether there may be another one than the one that was given. */
  get renewable(): boolean {
    return typeof this.#token === 'function';
  }

  /** @throws what the application throws, or `TOKEN_REQUIRED` when it has none */
  async get(renew: boolean): Promise<string> {
    const source = this.#token;
    if (typeof source === 'function' && (renew || !this.#known)) {
      this.#known = undefined;
      // Asked for twice at the same time, a refresh token that is good for once would be used up.
      this.#asking ??= inTime((async () => source())(), patienceMs).finally(() => (this.#asking = undefined));
      this.#known = await this.#asking;
    }
    if (!this.#known) throw new CodedError('TOKEN_REQUIRED', 'No token');
    return this.#known;
  }
}
