import { LambdaClient } from '@aws-sdk/client-lambda';
import { invokeFunction } from '../../aws/invoke.ts';
import { Manifest } from '../../core/contract/manifest.ts';
import type { ManifestPayload } from '../../core/contract/payloads.ts';
import { systemFunctionName } from '../../core/names/names.ts';
import { putAnswer } from '../shared/custom-resource.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { ledgerServices } from '../shared/ledger-services.ts';
import { shippedManifest } from '../shared/manifest.ts';
import { createCheckRemovals, RemovalsEvent } from './check-removals.ts';

const lambda = new LambdaClient({ maxAttempts: 2 });
const services = ledgerServices();

/** What the function that the stack has by now was shipped with; undefined when it has none. */
async function askDeployed(): Promise<Manifest | undefined> {
  const question: ManifestPayload = { ask: 'manifest' };
  try {
    return Manifest.parse(await invokeFunction(lambda, systemFunctionName(services, 'list-pending'), question));
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ResourceNotFoundException') return undefined;
    throw thrown;
  }
}

export const handler = lambdaHandler(
  RemovalsEvent,
  createCheckRemovals(services, shippedManifest(), { askDeployed, answer: putAnswer }),
);
