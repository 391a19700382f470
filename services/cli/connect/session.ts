/** What a command works with: the terminal, the environment, and a client of each service, which connects on first use. */
import type { Terminal } from '../terminal/terminal.ts';
import type { AuthClient } from './connect-auth.ts';
import type { IndexClient, RankClient } from './connect-rank.ts';
import type {
  AuditClient,
  BoardsClient,
  CorrectionsClient,
  LimitsClient,
  OperatorClient,
} from './connect-score.ts';

export interface Session extends Terminal {
  auth(): Promise<AuthClient>;
  operator(): Promise<OperatorClient>;
  index(): Promise<IndexClient>;
  rank(): Promise<RankClient>;
  boards(): Promise<BoardsClient>;
  corrections(): Promise<CorrectionsClient>;
  limits(): Promise<LimitsClient>;
  audit(): Promise<AuditClient>;
  /** Closes every client that was opened. */
  close(): void;
}

export function openSession(terminal: Terminal): Session {
  const opened: { close(): void }[] = [];
  // Loading gRPC is most of a command's start-up time, so it waits until a command needs a client.
  const auth = () => import('./connect-auth.ts');
  const rank = () => import('./connect-rank.ts');
  const score = () => import('./connect-score.ts');
  const keep = <Client extends { close(): void }>(client: Client): Client => {
    opened.push(client);
    return client;
  };
  return {
    ...terminal,
    auth: async () => keep((await auth()).connectAuth(terminal.env)),
    operator: async () => keep((await score()).connectOperator(terminal.env)),
    index: async () => keep((await rank()).connectIndex(terminal.env)),
    rank: async () => keep((await rank()).connectRank(terminal.env)),
    boards: async () => keep((await score()).connectBoards(terminal.env)),
    corrections: async () => keep((await score()).connectCorrections(terminal.env)),
    limits: async () => keep((await score()).connectLimits(terminal.env)),
    audit: async () => keep((await score()).connectAudit(terminal.env)),
    close() {
      for (const client of opened.splice(0)) client.close();
    },
  };
}
