// The layers that a migration's function has besides its bundle.
import * as z from 'zod';
import { LAMBDA_MOST } from '../core/names/lambda-limits.ts';
import type { Given } from './placeholder.ts';
import { hasPlaceholder } from './placeholder.ts';

const ARN = /^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]{1,140}:[1-9]\d*$/;
const WITHOUT_VERSION = /^(arn:[^:]+:lambda:[^:]+:\d{12}:layer:[\w-]+):?$/;
const EXAMPLE = 'arn:aws:lambda:eu-west-1:111122223333:layer:ffmpeg:3';

const nameOf = (arn: string): string => arn.slice(0, arn.lastIndexOf(':'));

/** What Lambda takes: it refuses another, and the deployment with it, when the stack is half there. */
export const Layers = z
  .array(
    z.string('expected the ARN of a version of a layer').refine((arn) => ARN.test(arn), {
      error: ({ input }) =>
        WITHOUT_VERSION.test(String(input))
          ? 'expected the ARN of a version, with its number at the end'
          : `expected the ARN of a version of a layer, such as "${EXAMPLE}"`,
    }),
    'expected a list of ARNs of versions of layers',
  )
  .max(LAMBDA_MOST.layers, `expected at most ${LAMBDA_MOST.layers} layers, Lambda's limit`)
  .superRefine((layers, context) => {
    const twice = layers.findIndex((arn, at) => layers.some((other, to) => to < at && nameOf(other) === nameOf(arn)));
    if (twice < 0) return;
    context.addIssue({ code: 'custom', path: [twice], message: 'expected each layer once, in one version' });
  });

/** What is wrong with one that is not where the environment is: Lambda takes no other. Undefined also where that is not known. */
export function strangersAmong(layers: readonly string[], { partition, region }: Given): string | undefined {
  for (const [index, arn] of layers.entries()) {
    const [, itsPartition, , itsRegion] = arn.split(':');
    if (!hasPlaceholder(partition) && itsPartition !== partition)
      return `expected layers of the partition ${partition}, in which the environment is, found [${index}] "${arn}"`;
    if (!hasPlaceholder(region) && itsRegion !== region)
      return `expected layers of the region ${region}, in which the environment is, found [${index}] "${arn}"`;
  }
  return undefined;
}
