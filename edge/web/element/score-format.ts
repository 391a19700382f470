/** How a board's scores are shown. Scores are whole numbers; a board may say where the decimal point is, and a unit. Pure. */

export type ScoreFormat = (score: number) => string;

/** As a board has them. */
const MOST_DECIMALS = 6;

/**
 * A score of 8312 with the attributes `decimals` 3 and `unit` "s" is shown as "8.312 s". `decimals` counts as 0 unless it is a whole
 * number from 0 to 6.
 */
export function scoreFormat(
  locale: string | undefined,
  decimals: string | null,
  unit: string | null,
): ScoreFormat {
  const places =
    decimals !== null && /^\d$/.test(decimals) && Number(decimals) <= MOST_DECIMALS ? Number(decimals) : 0;
  const digits = new Intl.NumberFormat(locale, {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  });
  const suffix = unit === null || unit === '' ? '' : `\u00a0${unit}`;
  return (score) => digits.format(withPoint(score, places)) + suffix;
}

/** As text: a quotient of numbers would not be exact near 2^53. */
function withPoint(score: number, places: number): Intl.StringNumericLiteral {
  return `${score}e-${places}` as Intl.StringNumericLiteral;
}
