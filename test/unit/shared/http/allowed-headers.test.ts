import { expect, test } from 'vitest';
import { parseAllowedHeaders } from '../../../../services/shared/http/allowed-headers.ts';

test('pages may send the headers of tracing, and those of the setting', () => {
  expect(parseAllowedHeaders({})).toEqual(['traceparent', 'tracestate', 'baggage', 'sentry-trace']);
  const vendor = { ALLOWED_HEADERS: 'b3, x-datadog-trace-id' };
  expect(parseAllowedHeaders(vendor)).toEqual(
    expect.arrayContaining(['baggage', 'b3', 'x-datadog-trace-id']),
  );
});

test.each(['*', 'x trace', 'x-trace:1', 'x-tr\u00e4ce', 'x-trace\r\nSet-Cookie'])(
  'an entry such as %s is refused by the name of the setting',
  (entry) => {
    expect(() => parseAllowedHeaders({ ALLOWED_HEADERS: entry })).toThrow('ALLOWED_HEADERS has the entry');
  },
);
