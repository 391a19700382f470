/** A server of ours has unsafe settings. The message says how to change them. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
}
