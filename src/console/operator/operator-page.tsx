/** What the installation does: instances, relay, consumers. */
export function OperatorPage({ token }: { token: string | undefined }) {
  return <p className="empty">{token === undefined ? 'Not signed in' : 'Loading'}</p>;
}
