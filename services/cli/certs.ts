/** `certs`: certificates for every service, made by the program that `npm start` makes them with. */
import type { Command } from 'commander';
import { runProgram } from './child-command.ts';
import type { CommandSite } from './command-site.ts';

interface Options {
  readonly out?: string;
  readonly days?: string;
  readonly force?: boolean;
}

export function defineCerts(program: Command, { session, act }: CommandSite): void {
  program
    .command('certs')
    .description('an authority and a certificate for each service; prints the folder')
    .option('--out <dir>', 'the folder; that of the stack when left out')
    .option('--days <n>', 'how long they hold; 365 when left out')
    .option('--force', 'replaces certificates that are there')
    .action(
      act(async ({ out, days, force = false }: Options) => {
        const words = [
          ...(out === undefined ? [] : [`--out=${out}`]),
          ...(days === undefined ? [] : [`--days=${days}`]),
          ...(force ? ['--force'] : []),
        ];
        const { code, output } = await runProgram('provision/certs-main.ts', words, session.env);
        await session.write(output);
        return code;
      }),
    );
}
