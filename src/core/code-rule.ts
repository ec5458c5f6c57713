/** What a party should do when it meets a code: try again as it is, or stop until something has changed. */
export interface CodeRule {
  readonly meaning: string;
  /** `true`: the same attempt may succeed later. `false`: it will not, until the caller changes something. */
  readonly retry: boolean;
  readonly remedy: string;
  /** Status of an HTTP answer that carries the code. */
  readonly status: number;
}
