/** A process that logs as every unit does, as many lines as it is told to by a message, and says when it has. */
import { createLog } from '../../../services/shared/telemetry/log.ts';

const log = createLog('writer', 'info', { linesOfKind: Number.POSITIVE_INFINITY });

process.on('message', (lines: number) => {
  for (let line = 0; line < lines; line += 1)
    log.info({ line }, 'a line of an ordinary length, more or less');
  process.send?.('written');
});
process.on('disconnect', () => process.exit(0));
