/** The uWebSockets.js app of a node: publishes frames to topics, and listens. Its routes are added by the socket server. */
import { listenExclusively, loadUws } from '../../../services/shared/http/uws.ts';
import type { Frame } from '../frames/frame.ts';
import type { Channel } from '../hub/channel.ts';

export type SocketApp = Awaited<ReturnType<typeof createSocketApp>>;

export async function createSocketApp() {
  const uws = await loadUws();
  const app = uws.App();
  return {
    app,

    /** Sends a frame to all subscribers of a board, in each encoding that one of them reads. Returns their number. */
    publish({ textTopic, binaryTopic }: Pick<Channel, 'textTopic' | 'binaryTopic'>, frame: Frame): number {
      const textReaders = app.numSubscribers(textTopic);
      if (textReaders > 0) app.publish(textTopic, frame.text, false, false);
      const binaryReaders = app.numSubscribers(binaryTopic);
      if (binaryReaders > 0) app.publish(binaryTopic, frame.bytes, true, false);
      return textReaders + binaryReaders;
    },

    /** Rejects if the port is taken. Port 0 lets the system choose. */
    async listen(host: string, port: number) {
      const listener = await listenExclusively(app, host, port);
      return {
        port: uws.us_socket_local_port(listener),
        stop: () => uws.us_listen_socket_close(listener),
      };
    },

    /** Cuts every connection. */
    close() {
      app.close();
    },
  };
}
