/** Runs a command line with fake services, and returns its calls, its output and its exit code. */

import type { Session } from '../../../services/cli/connect/session.ts';
import { runCommandLine } from '../../../services/cli/program.ts';

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** Each call: the name of its method and its request. */
  readonly asked: readonly (readonly [method: string, request: unknown])[];
}

type Answers = Readonly<Record<string, (request: never) => unknown>>;

export interface FakeOptions {
  env?: Readonly<Record<string, string>>;
  input?: string;
  isOpen?: boolean;
  /** What a person answers at the terminal; without it nobody is asked. */
  answer?: string;
}

/** `answers` has a function for each method that may be called. */
export async function runWords(
  words: readonly string[],
  answers: Answers = {},
  { env = {}, input = '', isOpen = true, answer }: FakeOptions = {},
): Promise<Ran> {
  const asked: [string, unknown][] = [];
  let output = '';
  let errors = '';
  const methods = Object.entries(answers).map(([method, answer]) => {
    const call = async (request: never) => {
      asked.push([method, request]);
      return answer(request);
    };
    return [method, call] as const;
  });
  const client = Object.fromEntries(methods);
  const connect = async () => client as never;
  const session: Session = {
    ...{ env, auth: connect, operator: connect, index: connect, rank: connect },
    ...{ boards: connect, corrections: connect, limits: connect, audit: connect },
    input: async function* () {
      yield input;
    },
    write: async (text) => {
      output += text;
    },
    isOpen: () => isOpen,
    complain: (text) => {
      errors += text;
    },
    isInteractive: answer !== undefined,
    ask: async (question) => {
      errors += question;
      return answer ?? '';
    },
    close: () => {},
  };
  const code = await runCommandLine(words, session);
  return { code, output, errors, asked };
}
