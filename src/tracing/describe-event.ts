import type { Attributes } from '@opentelemetry/api';
import type { CommitcastEvent } from '../core/event.ts';

/** What a span says of one event, and by which name. */
export interface Described {
  /** Of few values: what an org or unit is called is in the attributes. */
  readonly destination: string;
  readonly attributes: Attributes;
}

/**
 * By the semantic conventions of messaging, where the destination is the room that an event is about.
 * See https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/.
 */
export function describeEvent({ id, type, position, org, site, unit }: CommitcastEvent): Described {
  const of = (orgName: string, siteName = site, unitName = unit) => {
    if (unitName !== undefined) return `org:${orgName}:unit:${unitName}`;
    return siteName === undefined ? `org:${orgName}` : `org:${orgName}:site:${siteName}`;
  };
  const destination = of('{org}', site && '{site}', unit && '{unit}');
  return {
    destination,
    attributes: {
      'messaging.system': 'commitcast',
      'messaging.destination.name': of(org),
      'messaging.destination.template': destination,
      'messaging.message.id': id,
      'messaging.commitcast.event.type': type,
      'messaging.commitcast.event.position': position,
    },
  };
}

/** The operation that a span stands for: its type, and what it is called here. */
export function describeOperation(type: 'send' | 'process', name: string): Attributes {
  return { 'messaging.operation.type': type, 'messaging.operation.name': name };
}
