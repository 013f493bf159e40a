// Any JSON value, as it is.
import * as z from '../schema.ts';

const JSON_VALUE = z.json();

/**
 * What zod's own json() takes, which gives back a copy without the keys "__proto__": what was kept would have changed.
 * What is nested so deep that zod runs out of stack is no value that could be written again.
 */
export const JsonValue = z.custom<z.infer<typeof JSON_VALUE>>((value) => {
  try {
    return JSON_VALUE.safeParse(value).success;
  } catch {
    return false;
  }
}, 'expected a JSON value, not nested too deep');
