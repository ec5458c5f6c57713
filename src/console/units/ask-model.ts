import { CodedError, type Code } from '../../client/index.ts';
import { fetchSession, type Org } from '../session.ts';
import type { Model } from './units-state.ts';

/** These do not pass by themselves. */
const refusals = new Set([400, 401, 403, 404]);

/**
 * Asks the server for the read model once. `undefined`: it does not answer, or cannot at the moment.
 *
 * @throws the code of the server's answer when asking again would not help
 */
export async function askModel(
  org: Org,
  after: string | undefined,
  signal: AbortSignal,
): Promise<Model | undefined> {
  const { id, token, readModel = '' } = org;
  // Relative to the page, which may be served below a path of somebody's choice.
  const address = new URL(readModel.replace(/^\//, ''), document.baseURI);
  if (after !== undefined) address.searchParams.set('after', after);
  const ask = (bearer: string) =>
    fetch(address, { headers: { authorization: `Bearer ${bearer}` }, cache: 'no-store', signal });
  try {
    let response = await ask(token);
    if (response.status === 401) {
      const renewed = (await fetchSession()).orgs.find((each) => each.id === id);
      if (renewed) response = await ask(renewed.token);
    }
    if (response.ok) return (await response.json()) as Model;
    if (refusals.has(response.status)) throw await errorOf(response);
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    return undefined;
  }
}

async function errorOf(response: Response): Promise<CodedError> {
  const { error } = (await response.json()) as { error?: { code: Code; message: string } };
  return new CodedError(error?.code ?? 'INTERNAL', error?.message ?? `The server answers ${response.status}`);
}
