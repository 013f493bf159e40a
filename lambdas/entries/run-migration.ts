// What the bundle of every migration's function exports; its generated entry file passes its own migration's `load`.
import { OdinError } from '../../core/errors.ts';
import { VARIABLES } from '../../core/names.ts';
import { RunPayload } from '../../core/payloads.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { withConsoleLogged } from '../aws/logger.ts';
import { awsServices, required } from '../aws/services.ts';
import type { Self } from '../run-migration/claim.ts';
import { createRunMigration } from '../run-migration/run-migration.ts';
import type { LoadMigration } from '../run-migration/user-module.ts';

export function migrationHandler(load: LoadMigration) {
  const run = createRunMigration(selfFromEnvironment(), awsServices(), load);
  return lambdaHandler(RunPayload, (payload, invocation) => withConsoleLogged(() => run(payload, invocation)));
}

function selfFromEnvironment(): Self {
  const sliceSeconds = process.env[VARIABLES.sliceSeconds];
  return {
    migration: required(VARIABLES.migration),
    predecessor: process.env[VARIABLES.predecessor],
    sourceSha256: required(VARIABLES.sourceSha256),
    codeSha256: required(VARIABLES.codeSha256),
    clockMarginMs: seconds(required(VARIABLES.clockMarginSeconds)) * 1000,
    sliceMs: sliceSeconds === undefined ? undefined : seconds(sliceSeconds) * 1000,
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'system',
    what: `Expected a number of seconds, found "${text}".`,
  });
}
