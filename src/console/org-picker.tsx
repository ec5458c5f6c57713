import type { Org } from './session.ts';

export function OrgPicker({
  orgs,
  chosen,
  onChoose,
}: {
  orgs: readonly Org[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  return (
    <fieldset className="segments" data-testid="orgs">
      <legend>Organization</legend>
      {orgs.map(({ id, name }) => (
        <label key={id} title={name}>
          <input type="radio" name="org" value={id} checked={id === chosen} onChange={() => onChoose(id)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}
