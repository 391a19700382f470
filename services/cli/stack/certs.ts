/** `certs`: makes certificates for every service, with the program that `npm start` uses. */
import type { Command } from 'commander';
import type { CommandSite } from '../connect/command-site.ts';
import { runProgram } from '../connect/run-program.ts';

interface Options {
  readonly out?: string;
  readonly days?: string;
  readonly force?: boolean;
}

export function defineCerts(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('certs')
    .description('make a certificate authority and a certificate for each service; prints the folder')
    .option('--out <dir>', 'the folder to write to; by default that of the stack')
    .option('--days <n>', 'the lifetime of the certificates; by default 365')
    .option('--force', 'replace existing certificates')
    .action(
      act(async ({ out, days, force = false }: Options) => {
        const words = [
          ...(out === undefined ? [] : [`--out=${out}`]),
          ...(days === undefined ? [] : [`--days=${days}`]),
          ...(force ? ['--force'] : []),
        ];
        const { code, output } = await runProgram('provision/certs-main.ts', words, session.env);
        if (code === 0) await print(output, { folder: output.trimEnd() });
        return code;
      }),
    );
}
