/** `audit`: the commands of the audit log and its chain. */
import type { Command } from 'commander';
import type { CommandSite } from '../connect/command-site.ts';
import { defineAuditErase } from './erase.ts';
import { defineAuditExport } from './export.ts';
import { defineAuditHead } from './head.ts';
import { defineAuditRejected } from './rejected.ts';
import { defineAuditVerify } from './verify.ts';

export function defineAudit(program: Command, site: CommandSite): void {
  const audit = program
    .command('audit')
    .description('verify, export and search the audit log; erase a player');
  const commands = [
    ...[defineAuditHead, defineAuditVerify, defineAuditExport],
    ...[defineAuditRejected, defineAuditErase],
  ];
  for (const define of commands) define(audit, site);
}
