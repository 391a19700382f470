/**
 * One frame for clients. It is encoded on first use, at most once in each encoding, and shared by all its receivers: JSON text by
 * default, a protobuf message for the sockets that chose it.
 */
import { encodeServerFrame } from './binary-frame.ts';
import type { FrameFields } from './frame-fields.ts';

export class Frame {
  readonly #fields: FrameFields;
  #text: string | undefined = undefined;
  #bytes: Uint8Array | undefined = undefined;

  constructor(fields: FrameFields) {
    this.#fields = fields;
  }

  /** The JSON object. */
  get text(): string {
    this.#text ??= JSON.stringify(this.#fields);
    return this.#text;
  }

  /** The `scoreboard.live.v1.ServerFrame`. */
  get bytes(): Uint8Array {
    this.#bytes ??= encodeServerFrame(this.#fields);
    return this.#bytes;
  }
}
