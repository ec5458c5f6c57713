import { signToken } from '../support/tokens.ts';

export interface Answer<Body = unknown> {
  status: number;
  body: Body;
}

export interface ErrorBody {
  error: { code: string; message: string };
}

/** `GET` with a token of `user-1` in `acme`, unless another, or none (`null`), is given. */
export async function get<Body = ErrorBody>(
  url: string,
  path: string,
  token?: string | null,
): Promise<Answer<Body>> {
  const bearer = token === undefined ? await signToken() : token;
  const response = await fetch(new URL(path, url), {
    headers: bearer === null ? {} : { authorization: `Bearer ${bearer}` },
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Body };
}
