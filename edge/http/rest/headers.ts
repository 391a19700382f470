/** Headers that several routes answer with. */
import type { HeaderList } from '../../../services/shared/http/error-answer.ts';

/** The answer is about the player who asks. */
export const OF_CALLER: HeaderList = [['Vary', 'Authorization']];
export const STALE: HeaderList = [['X-Scoreboard-Stale', 'true']];
