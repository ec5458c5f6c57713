/** Beside words that say the same. */
export function AlarmIcon() {
  return (
    <svg className="units-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M8 2.2 14.4 13.4H1.6ZM8 6.4v3.2M8 11.5v.1" />
    </svg>
  );
}

export function OkIcon() {
  return (
    <svg className="units-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM5.4 8.2l1.8 1.8 3.4-3.6" />
    </svg>
  );
}

export function DoorIcon({ isOpen }: { isOpen: boolean }) {
  return (
    <svg className="units-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={isOpen ? 'M3 14V2.5h10V14M1.5 14h13M3 2.5l5 2V15l-5-1' : 'M3 14V2.5h10V14M1.5 14h13M10.4 8.5v.1'}
      />
    </svg>
  );
}
