/** The ceiling of a read: the same kind of server, which answers every request with the same bytes. */
import { listenExclusively, loadUws } from '../../../services/shared/uws.ts';
import { answerCalls } from '../calls.ts';

export type ConstantCalls = {
  start: (input: { body: string }) => { port: number };
};

answerCalls<ConstantCalls>({
  async start({ body }) {
    const uws = await loadUws();
    const app = uws.App();
    app.any('/*', (response) => {
      response.cork(() => {
        response.writeHeader('content-type', 'application/json');
        response.end(body);
      });
    });
    return { port: uws.us_socket_local_port(await listenExclusively(app, '127.0.0.1', 0)) };
  },
});
