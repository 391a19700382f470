/** One call by the gRPC library itself, with credentials and headers that our own client would never use. */
import { type ChannelCredentials, Client, Metadata } from '@grpc/grpc-js';

const DEADLINE_MS = 5_000;

/** The gRPC status; an empty message is sent. */
export function rawCall(
  address: string,
  channel: ChannelCredentials,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const client = new Client(address, channel, { 'grpc.ssl_target_name_override': 'localhost' });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise<number>((resolve) => {
    client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.alloc(0),
      metadata,
      { deadline: Date.now() + DEADLINE_MS },
      (error) => resolve(error?.code ?? 0),
    );
  }).finally(() => client.close());
}
