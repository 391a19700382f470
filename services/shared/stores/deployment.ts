/**
 * The identity of a deployment: made with its database, and kept there. The stream in NATS and the index in Redis carry it, so that
 * no deployment uses those of another. A database that is restored from a backup is the same deployment.
 */

/** A UUID. */
export type DeploymentId = string;

/** A server holds the data of another deployment, or of another product, under our names. The message is one line. */
export class ForeignServerError extends Error {
  override readonly name = 'ForeignServerError';
}
