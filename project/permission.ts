// What a statement of IAM may look like, in a migration's file and in odin-migrate.json.
import * as z from 'zod';

/** A text or a list of texts, each of this form. CDK and CloudFormation would refuse another form without naming the file. */
function texts(form: RegExp, expected: string) {
  return z
    .union([z.string(), z.array(z.string()).min(1)], `${expected}, or a list of such`)
    .superRefine((value, context) => {
      for (const [index, text] of [value].flat().entries()) {
        // What a variable that nobody gives becomes in a text.
        const message = /\bundefined\b/.test(text) ? `${expected}, and no "undefined" in it` : expected;
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
      Sid: z.string().optional(),
      Effect: z.enum(['Allow', 'Deny'], 'expected "Allow" or "Deny"'),
      Action: actions.optional(),
      NotAction: actions.optional(),
      Resource: resources.optional(),
      NotResource: resources.optional(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
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
  });
export type Permission = z.infer<typeof Permission>;
