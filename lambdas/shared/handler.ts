// The middleware stack that every function stands on: log context, payload by schema, errors with a code.
import middy, { type MiddlewareObj } from '@middy/core';
import * as z from '../../core/schema.ts';
import { asOdinError, OdinError } from '../../core/errors.ts';
import { VARIABLES } from '../../core/names/names.ts';
import { cut, errorSummary } from '../../core/ledger/summaries.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { identifyLines, logger } from './logger.ts';

export function lambdaHandler<Payload, Answer>(
  schema: z.ZodMiniType<Payload>,
  handle: (payload: Payload, invocation: Invocation) => Promise<Answer>,
) {
  return middy<Payload, Answer>()
    .use(logContext())
    .use(errorsWithCode())
    .use(parsedPayload(schema))
    .handler((payload, context) =>
      handle(payload, {
        requestId: context.awsRequestId,
        functionName: context.functionName,
        functionArn: context.invokedFunctionArn,
        remainingMs: () => context.getRemainingTimeInMillis(),
      }),
    );
}

/** The fields that identify a run, where a payload has them. They are read before the payload is validated. */
const Identifying = z.object({
  execution: z.catch(z.optional(z.string()), undefined),
  migration: z.catch(z.optional(z.string()), undefined),
  attempt: z.catch(z.optional(z.number()), undefined),
  slice: z.catch(z.optional(z.number()), undefined),
  batch: z.catch(z.optional(z.number()), undefined),
  at: z.catch(z.optional(z.object({ migration: z.optional(z.string()), attempt: z.optional(z.number()) })), undefined),
});

function logContext<Payload, Answer>(): MiddlewareObj<Payload, Answer> {
  return {
    before: ({ event, context }) => {
      const { at, ...seen } = Identifying.safeParse(event).data ?? {};
      identifyLines(context, { environment: process.env[VARIABLES.environment], ...seen, ...at });
    },
  };
}

function parsedPayload<Payload, Answer>(schema: z.ZodMiniType<Payload>): MiddlewareObj<Payload, Answer> {
  return {
    before: (request) => {
      const parsed = schema.safeParse(request.event);
      if (parsed.success) {
        request.event = parsed.data;
        return;
      }
      const found = parsed.error.issues
        // Of a union zod says only "Invalid input": the last option is the one that is usually sent.
        .flatMap((issue) => (issue.code === 'invalid_union' ? (issue.errors.at(-1) ?? issue) : issue));
      const issues = found
        .slice(0, 5)
        // The message names an unknown key, which may be as long as a payload.
        .map(({ path, message }) => cut(`${path.join('.') || 'payload'}: ${message}`, 300));
      if (found.every(({ path }) => path[0] === 'input')) throw badInput(issues, parsed.error);
      throw new OdinError({
        code: 'BadPayload',
        source: 'user',
        what: `The payload of ${request.context.functionName} is not what it expects: ${issues.join('; ')}.`,
        next: 'Nothing was done. The state machine sends the right payload; docs/runbook.md shows what a person sends to resume.',
        cause: parsed.error,
      });
    },
  };
}

/** The machine hands on what somebody started the execution with, who is told what may stand there. */
const badInput = (issues: readonly string[], cause: unknown): OdinError =>
  new OdinError({
    code: 'BadPayload',
    source: 'user',
    what: `This execution was started with an input that is not understood: ${issues.join('; ')}.`,
    why: 'Nothing was done. An input is {}, or has "allowOutOfOrder": true, "allowRenumbered": ["0006"] or "acceptChanged": ["0004"].',
    next: 'Start another execution, with the input {} or as you mean it.',
    cause,
  });

/** Logs what was thrown and answers with an OdinError, so that `errorType` is always one of our codes. */
function errorsWithCode<Payload, Answer>(): MiddlewareObj<Payload, Answer> {
  return {
    onError: (request) => {
      const error = asOdinError(request.error);
      logger.error(error.message, { code: error.code, source: error.source, error: errorSummary(request.error) });
      throw error;
    },
  };
}
