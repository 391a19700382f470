import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import { expect, test } from 'vitest';
import { natsNames } from '../../../../../services/shared/stores/names.ts';
import { changesNeeded } from '../../../../../services/shared/stores/nats/score-stream.ts';

const HOUR_NS = 3_600_000_000_000;
const NAMES = natsNames('scoreboard');
const fit: StreamConfig = {
  name: 'SCORES',
  subjects: ['scores.*'],
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
  max_age: HOUR_NS,
  max_bytes: 256 * 1024 * 1024,
  duplicate_window: HOUR_NS / 30,
  max_msgs: -1,
  max_msgs_per_subject: -1,
  max_msg_size: -1,
} as StreamConfig;

test('a stream with our limits, or larger ones, is left alone', () => {
  expect(changesNeeded(fit, NAMES)).toEqual({});
  const larger = { max_age: 0, max_bytes: -1, duplicate_window: HOUR_NS, subjects: ['scores.*', 'more'] };
  expect(changesNeeded({ ...fit, ...larger }, NAMES)).toEqual({});
});

test.each<[string, Partial<StreamConfig>]>([
  ['other subjects', { subjects: ['scores.global'] }],
  ['a retention that gives each event to one reader', { retention: RetentionPolicy.Workqueue }],
  ['a full stream that refuses the newest', { discard: DiscardPolicy.New }],
  ['a store in memory', { storage: StorageType.Memory }],
  ['a shorter age', { max_age: HOUR_NS / 2 }],
  ['fewer bytes', { max_bytes: 1024 }],
  ['a shorter window for repeats', { duplicate_window: 1_000_000_000 }],
  ['a limit on messages', { max_msgs: 10 }],
  ['a limit on messages of a board', { max_msgs_per_subject: 1 }],
  ['a limit on the size of a message', { max_msg_size: 100 }],
  ['no acknowledgements', { no_ack: true }],
])('a stream with %s is changed in exactly that', (_, difference) => {
  expect(Object.keys(changesNeeded({ ...fit, ...difference }, NAMES))).toEqual(Object.keys(difference));
});
