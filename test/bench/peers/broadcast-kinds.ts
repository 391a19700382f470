/** What the product's fan-out is compared with: the ceiling first, then the peers. */
export const BROADCAST_KINDS = ['uWebSockets.js', 'ws', 'Socket.IO'] as const;
export type BroadcastKind = (typeof BROADCAST_KINDS)[number];
