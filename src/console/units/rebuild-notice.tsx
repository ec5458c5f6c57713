import { countOf } from '../words.ts';
import type { Rebuild } from './use-rebuild.ts';

/** The server makes its read model anew: how far it is, and what that means here. */
export function RebuildNotice({
  rebuild,
  isFollowing,
}: {
  rebuild: Rebuild | undefined;
  isFollowing: boolean;
}) {
  return (
    <div className="notice units-rebuild" data-tone="accent" data-testid="rebuild" hidden={!rebuild}>
      <p role="status">
        {rebuild &&
          (isFollowing
            ? 'The read model is being rebuilt; this page goes on live.'
            : 'The read model is being rebuilt; this page loads it as soon as it is there.')}
      </p>
      {rebuild && (
        <>
          <progress
            aria-label="Events of the log that the read model has taken in"
            max={rebuild.head}
            value={rebuild.position}
          />
          <span className="numeric">
            {countOf(rebuild.position)} of {countOf(rebuild.head)}
          </span>
        </>
      )}
    </div>
  );
}
