// Any JSON value, as it is.
import * as z from 'zod';

const JSON_VALUE = z.json();

/** What zod's own json() takes, which gives back a copy without the keys "__proto__": what was kept would have changed. */
export const Json = z.custom<z.infer<typeof JSON_VALUE>>(
  (value) => JSON_VALUE.safeParse(value).success,
  'expected a JSON value',
);
