/**
 * `smoke`: checks a running deployment from outside, with one real score. Token and signature are issued by its auth service, as
 * `token` and `sign` do, or are given.
 */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { parseLeaderboard, parseUserId } from '../../shared/values/identifiers.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { Session } from '../connect/session.ts';
import { InputError, reading } from '../terminal/words.ts';
import { runSteps, type StepResult } from './run-steps.ts';
import { type Pass, Smoke } from './steps.ts';

interface Options {
  readonly live?: URL;
  readonly player: string;
  readonly leaderboard: string;
  readonly points: number;
  readonly token?: string;
  readonly action?: string;
  readonly signature?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** The least that shows a score: the player of the check stays on the board. */
const POINTS = 1;
const MAX_POINTS = 1_000_000;
/** Longer than a process needs to restart, so that a check can begin right after a deployment. */
const LIMIT_S = 30;
const MAX_LIMIT_S = 600;
const NAME_WIDTH = 10;
const TIME_WIDTH = 7;

export function defineSmoke(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('smoke')
    .description(
      'check a running deployment with one real score; exit code 1 and the failed step if it fails',
    )
    .argument('<url>', 'the address of the edge, as a browser has it', reading(readUrl(['http:', 'https:'])))
    .option('--live <url>', 'the socket; by default what the edge tells', reading(readUrl(['ws:', 'wss:'])))
    .option('--player <user>', 'the player who scores', reading(parseUserId), 'smoke')
    .option(
      '--leaderboard <id>',
      'the board, which must add',
      reading(parseLeaderboard),
      parseLeaderboard(''),
    )
    .option('--points <n>', 'the points of the score', reading(readNumber(MAX_POINTS)), POINTS)
    .option('--token <token>', 'a token of the player, if auth cannot be reached; needs the next two')
    .option('--action <id>', 'the id of an action that never counted')
    .option(
      '--signature <signature>',
      'the signature of that action for this player, these points and this board',
    )
    .option('--limit <seconds>', 'the time for each step', reading(readNumber(MAX_LIMIT_S)), LIMIT_S)
    .action(
      act(async (url: URL, options: Options, command: Command) => {
        const given = givenPass(options, command);
        const smoke = new Smoke({
          ...{ base: url, liveUrl: options.live, board: options.leaderboard },
          signIn: async (deadline) => given ?? issuePass(session, options, deadline.remainingMs()),
        });
        const report = (result: StepResult) => (options.json ? undefined : session.write(formatStep(result)));
        const steps = await runSteps(smoke.steps(), options.limit * 1_000, async (result) => report(result));
        smoke.close();
        const failed = steps.find(({ ok }) => !ok);
        await print('', { ok: failed === undefined, url: url.href, steps });
        if (failed !== undefined) session.complain(`smoke failed at "${failed.step}": ${failed.note}\n`);
        return failed === undefined ? 0 : 1;
      }),
    );
}

function readUrl(protocols: readonly string[]): (text: string) => URL {
  return (text) => {
    const url = URL.parse(text);
    if (url === null || !protocols.includes(url.protocol))
      throw new InputError(`It must be an address that begins with ${protocols.join('// or ')}//.`);
    // Paths are resolved against it.
    if (!url.pathname.endsWith('/') && protocols.includes('http:')) url.pathname += '/';
    return url;
  };
}

function readNumber(max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (number < 1 || number > max) throw new InputError(`It must be a whole number from 1 to ${max}.`);
    return number;
  };
}

function givenPass({ token, action, signature, points }: Options, command: Command): Pass | undefined {
  if (token === undefined && action === undefined && signature === undefined) return undefined;
  if (token === undefined || action === undefined || signature === undefined)
    return command.error('error: --token, --action and --signature are given together');
  return { token, actionId: action, points, signature };
}

async function issuePass(session: Session, options: Options, limitMs: number): Promise<Pass> {
  const { player: userId, points, leaderboard } = options;
  const auth = await session.auth();
  const actionId = `smoke-${randomBytes(12).toString('base64url')}`;
  const action = { leaderboard, userId, actionId, points: BigInt(points) };
  const [{ accessToken }, { signatures }] = await Promise.all([
    auth.issueToken({ userId, username: '' }, { limitMs }),
    auth.signActions({ actions: [action] }, { limitMs }),
  ]);
  return { token: accessToken, actionId, points, signature: signatures[0]?.signature ?? '' };
}

function formatStep({ step, ok, ms, note }: StepResult): string {
  return `${ok ? 'ok  ' : 'FAIL'} ${step.padEnd(NAME_WIDTH)} ${`${ms} ms`.padStart(TIME_WIDTH)}  ${note}\n`;
}
