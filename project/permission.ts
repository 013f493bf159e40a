// What a statement of IAM may look like, in a migration's file and in odin-migrate.json.
import * as z from 'zod';
import { emptyIn } from './empty-text.ts';
import { PLACEHOLDER, withoutPlaceholders } from './placeholder.ts';
import { textsOf } from './texts.ts';

/** Characters of a role's inline policies, without white space (docs/aws-facts.md). */
export const MAX_INLINE_POLICIES = 10_240;

/** A text or a list of texts, each of this form. CDK and CloudFormation would refuse another form without naming the file. */
function texts(form: RegExp, expected: string) {
  return z
    .union([z.string(), z.array(z.string()).min(1)], `${expected}, or a list of such`)
    .superRefine((value, context) => {
      for (const [index, text] of [value].flat().entries()) {
        const empty = emptyIn(text);
        const message = empty === undefined ? expected : `${expected}, and no "${empty}" in it`;
        if (form.test(text) && message === expected) continue;
        context.addIssue({ code: 'custom', path: Array.isArray(value) ? [index] : [], message });
      }
    });
}
const actions = texts(/^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*]+)$/, 'expected "*" or an action such as "s3:GetObject"');
const resources = texts(
  /^(\*|arn:[^:\s]+:([^:\s]*:){3}\S.*|⟦.*)$/, // or what stands for a whole ARN
  'expected "*" or an ARN such as "arn:aws:s3:::bucket/*"',
);

/** An IAM policy statement as plain JSON. */
export const Permission = z
  .strictObject(
    {
      Sid: z
        .string()
        .regex(/^[A-Za-z0-9]*$/, 'expected letters and digits (A-Z, a-z, 0-9) alone, as IAM has it')
        .optional(),
      Effect: z.enum(['Allow', 'Deny'], 'expected "Allow" or "Deny"'),
      Action: actions.optional(),
      NotAction: actions.optional(),
      Resource: resources.optional(),
      NotResource: resources.optional(),
      Condition: z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .refine((condition) => emptyIn(JSON.stringify(condition).replaceAll(/[{}",[\]]+/g, ' ')) === undefined, {
          message: 'expected a condition without "undefined" or "null" in it',
        })
        .optional(),
    },
    {
      error: ({ code }) =>
        code === 'unrecognized_keys'
          ? 'expected no key but Sid, Effect, Action, NotAction, Resource, NotResource and Condition'
          : 'expected an IAM policy statement, { Effect, Action, Resource }',
    },
  )
  .refine((statement) => (statement.Action === undefined) !== (statement.NotAction === undefined), {
    message: 'expected either Action or NotAction',
  })
  .refine((statement) => (statement.Resource === undefined) !== (statement.NotResource === undefined), {
    message: 'expected either Resource or NotResource',
  })
  .superRefine((statement, context) => {
    for (const [field, text, isKey] of textsOf(statement)) {
      const path = isKey ? [...field, text] : field;
      const taken = withoutOthers(text);
      if (taken === text) continue;
      const operators = path[0] === 'Condition' ? 'with StringLike or ArnLike ' : '';
      const message = `expected characters that IAM takes in a policy (U+0020 to U+00FF), and ${operators}"*" for any others, "${taken}"`;
      context.addIssue({ code: 'custom', path, message });
    }
  });
export type Permission = z.infer<typeof Permission>;

/** Those of one policy. */
export const PermissionList = z
  .array(Permission, 'expected a list of IAM policy statements')
  .superRefine((statements, context) => {
    for (const [index, { Sid }] of statements.entries()) {
      const first = statements.findIndex((each) => each.Sid === Sid);
      if (Sid === undefined || Sid === '' || first === index) continue;
      const message = `expected another than that of statement ${first + 1} of the list: IAM takes each once`;
      context.addIssue({ code: 'custom', path: [index, 'Sid'], message });
    }
  });

/** Characters that they need in a policy at least, however CDK joins those that are alike: each text once, without what is not known. */
export function leastSizeOf(statements: readonly Permission[]): number {
  const texts = new Set(
    statements.flatMap((statement) => textsOf(statement).map(([, text]) => withoutPlaceholders(text, () => ''))),
  );
  return [...texts].reduce((sum, text) => sum + text.length + '"",'.length, 0);
}

/** With "*" for what IAM does not take in a policy (docs/aws-facts.md); what stands for a value stays. */
const withoutOthers = (text: string): string =>
  text.replaceAll(NOT_TAKEN, (found) => (found.startsWith('⟦') ? found : '*'));

const NOT_TAKEN = new RegExp(`${PLACEHOLDER.source}|[^\\t\\n\\r\\u0020-\\u00ff⟦⟧]+`, 'gu');
