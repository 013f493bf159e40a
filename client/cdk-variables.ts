// What the CDK CLI gives to the app that it starts, as CDK itself reads it: known before CDK is loaded.
import { readFileSync } from 'node:fs';
import * as z from 'zod';

const Context = z.record(z.string(), z.unknown());

/** Of `cdk.json`, `cdk.context.json` and the command line. Too much for a variable is in a file. */
export function contextOfCdk(): Record<string, unknown> {
  const { CDK_CONTEXT_JSON: given, CONTEXT_OVERFLOW_LOCATION_ENV: overflow } = process.env;
  return {
    ...Context.parse(given ? JSON.parse(given) : {}),
    ...Context.parse(overflow ? JSON.parse(readFileSync(overflow, 'utf8')) : {}),
  };
}

/** All that CDK may ask for, ascending by name. */
export const cdkVariables = (): [string, string | undefined][] =>
  Object.entries(process.env)
    .filter(([name]) => /^(CDK|JSII)_/.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Where it wants the assembly. */
export const assemblyDirectory = (): string | undefined => process.env['CDK_OUTDIR'];
