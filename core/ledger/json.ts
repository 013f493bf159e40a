// Any JSON value, as it is.
import * as z from '../schema.ts';

const JSON_VALUE = z.json();

/**
 * What zod's own json() takes, which gives back a copy without the keys "__proto__": what was kept would have changed.
 * What is nested so deep that zod runs out of stack is no value that could be written again.
 */
export const JsonValue = z.custom<z.infer<typeof JSON_VALUE>>((value) => {
  let taken = false;
  try {
    taken = JSON_VALUE.safeParse(value).success;
  } catch {
    // It is nested too deep.
  }
  return taken;
}, 'expected a JSON value, not nested too deep');

/** Undefined of what is no JSON: no record has the shape of that. */
export function jsonOf(body: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // It is none.
  }
  return json;
}
