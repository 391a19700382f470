/** I16: memory and descriptors of every component stay below their caps. */
import type { Evidence } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeBoundedResources({ record }: Evidence): Verdict {
  const { maxRssBytes = Number.POSITIVE_INFINITY, maxDescriptors = Number.POSITIVE_INFINITY } = record.limits;
  const samples = record.history.flatMap((event) => (event.f === 'sample' ? [event.value] : []));
  return judge(samples, (sample, violate) => {
    if (sample.rssBytes > maxRssBytes) violate('a component holds too much memory', sample);
    if (sample.descriptors > maxDescriptors) violate('a component holds too many descriptors', sample);
  });
}
