/** `audit`: the audit log and its chain. */
import type { Command } from 'commander';
import { defineAuditErase } from './audit-erase.ts';
import { defineAuditExport } from './audit-export.ts';
import { defineAuditHead } from './audit-head.ts';
import { defineAuditRejected } from './audit-rejected.ts';
import { defineAuditVerify } from './audit-verify.ts';
import type { CommandSite } from './command-site.ts';

export function defineAudit(program: Command, site: CommandSite): void {
  const audit = program.command('audit').description('the audit log and its chain');
  const commands = [
    ...[defineAuditHead, defineAuditVerify, defineAuditExport],
    ...[defineAuditRejected, defineAuditErase],
  ];
  for (const define of commands) define(audit, site);
}
