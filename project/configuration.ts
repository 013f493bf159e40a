// Reads what cdk.json says of the environments, under the context key "odin-migrate".
import * as z from 'zod';
import { OdinError } from '../core/errors.ts';
import { cut, plainLine } from '../core/ledger/summaries.ts';

export const CONTEXT_KEY = 'odin-migrate';

/** Names that this project sets itself (ODIN_, NODE_OPTIONS), its logger reads, or Lambda refuses (AWS_, its reserved ones). */
const RESERVED = /^(ODIN_|AWS_|POWERTOOLS_|NODE_OPTIONS$|LAMBDA_|_HANDLER$|TZ$)/;
const VARIABLE_RULE =
  'expected a variable name that begins with a letter, and not with "ODIN_", "AWS_", "LAMBDA_" or "POWERTOOLS_"';

/** Lambda's rule for names, and none that is reserved. Checked on the whole record: of one key zod says only that it is bad. */
export const Variables = z.record(z.string(), z.string('expected text')).superRefine((variables, context) => {
  for (const name of Object.keys(variables)) {
    if (/^[a-zA-Z]\w+$/.test(name) && !RESERVED.test(name)) continue;
    context.addIssue({ code: 'custom', path: [name], message: VARIABLE_RULE });
  }
});

const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const EnvironmentConfiguration = z.strictObject({
  /** AWS account and region to deploy into; the CLI's current ones when absent. */
  account: z
    .string()
    .regex(/^\d{12}$/, 'expected twelve digits in quotes, e.g. "111122223333"')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected a region, e.g. "eu-west-1"')
    .optional(),
  /** Environment variables of every migration's function. */
  variables: Variables.default({}),
  /** Who is told of a halt. */
  notify: z
    .array(z.string().regex(/^(mailto:[^@\s]+@[^@\s]+|https:\/\/\S+)$/, 'expected "mailto:…@…" or "https://…"'))
    .default([]),
  /** How long log groups keep their lines; one of CloudWatch Logs' own values. */
  logRetentionDays: z
    .number()
    .refine((days) => RETENTION_DAYS.includes(days), `expected one of ${RETENTION_DAYS.join(', ')}`)
    .default(365),
  /** A module whose default export fills the embedded S3 before a local run: `(s3: S3Client) => Promise<string>`. */
  localData: z.string().min(1).optional(),
  /** An alarm goes off when a halt has waited for a decision for so long. */
  haltAlarmHours: z.number().min(0.25).max(168).default(4),
  /** The deployment itself starts a run when it is done, and does not wait for it. */
  runOnDeploy: z.boolean().default(false),
});
export type EnvironmentConfiguration = z.infer<typeof EnvironmentConfiguration>;

const Configuration = z.strictObject({
  /** The folder that holds one folder per environment, relative to the project. */
  migrations: z.string().min(1).default('migrations'),
  environments: z.record(z.string(), EnvironmentConfiguration).default({}),
});
export type Configuration = z.infer<typeof Configuration>;

/** @throws OdinError BadConfiguration, naming the field, what was expected and what was found */
export function parseConfiguration(context: unknown): Configuration {
  const parsed = Configuration.safeParse(context ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], context);
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: plainLine(`cdk.json, context.${[CONTEXT_KEY, ...path].join('.')}: ${issue?.message ?? 'not valid'}.`, 500),
    why: `Found ${shortOf(found)}.`,
    next: 'docs/configuration.md lists every field.',
    cause: parsed.error,
  });
}

/** As JSON, as much of it as a sentence can hold. */
function shortOf(value: unknown): string {
  try {
    return cut(JSON.stringify(value) ?? 'nothing', 300);
  } catch {
    return 'what is nested too deeply to be shown';
  }
}

export const configurationOf = (configuration: Configuration, environment: string): EnvironmentConfiguration =>
  (Object.hasOwn(configuration.environments, environment) ? configuration.environments[environment] : undefined) ??
  EnvironmentConfiguration.parse({});
