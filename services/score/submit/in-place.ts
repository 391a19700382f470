/** One step of a group of items in which an item that has failed stays at its place. */
import { AppError } from '../../shared/errors/app-error.ts';

/** Takes all items that have not failed through the step, and puts each outcome at the place of its item. */
export async function inPlace<Item, Outcome>(
  items: ReadonlyArray<Item | Error>,
  step: (good: Item[]) => Promise<ReadonlyArray<Outcome | Error>>,
): Promise<Array<Outcome | Error>> {
  const good = items.filter((item): item is Item => !(item instanceof Error));
  const outcomes = await step(good);
  let next = 0;
  return items.map((item) => (item instanceof Error ? item : (outcomes[next++] ?? new AppError('INTERNAL'))));
}
