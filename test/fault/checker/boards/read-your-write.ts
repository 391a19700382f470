/** I18: who asks for at least a version gets it or is told to come again, never something older. */
import type { Evidence } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeReadYourWrite({ ranks, isCorrected }: Evidence): Verdict {
  return judge(ranks, (read, violate) => {
    const { call, answer, reason } = read;
    if (answer !== undefined && answer.version < call.minVersion) {
      violate('a reader got an older version than it had written', read);
    } else if (reason === 'PLAYER_NOT_FOUND' && call.minVersion > 0 && !isCorrected(call)) {
      violate('a reader was told that it never wrote', read);
    }
  });
}
