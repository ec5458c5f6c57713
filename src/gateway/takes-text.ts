import type { Server } from 'socket.io';

/**
 * Whether the server encodes packets as Socket.IO does by default: an application's own server may have another parser,
 * such as that for MessagePack, and then packets that were written before are nothing to its clients.
 */
export function takesText(io: Server): boolean {
  const packet = { type: 2, nsp: '/', data: ['events', [], ''] };
  const encoded: unknown = io.encoder.encode(packet);
  return Array.isArray(encoded) && encoded.length === 1 && encoded[0] === '2["events",[],""]';
}
