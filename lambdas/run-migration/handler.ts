// What the bundle of every migration's function exports; its generated entry file passes its own migration's `load`.
import { STSClient } from '@aws-sdk/client-sts';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { OdinError } from '../../core/errors.ts';
import { VARIABLES } from '../../core/names/names.ts';
import type { RunAnswer } from '../../core/contract/payloads.ts';
import { RunPayload } from '../../core/contract/payloads.ts';
import type { PreviewReport } from '../../core/preview/preview.ts';
import { PreviewAllows, PreviewPayload } from '../../core/preview/preview.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { awsServices, required } from '../shared/aws-services.ts';
import { holdBack } from './preview/hold-back.ts';
import type { InProcess } from './preview/preview.ts';
import { createPreview } from './preview/preview.ts';
import { readOnlySession } from './preview/session.ts';
import type { Self } from './allowed-turn.ts';
import { logLine } from './log-line.ts';
import { createRunMigration } from './run-migration.ts';
import { isUserProcess, runUserProcess } from './user-code/child.ts';
import { REAL_CLOCK, startUserProcess, userEnvironment } from './user-code/fork.ts';
import type { RunUserCode } from './user-code/supervise.ts';
import { superviseUserCode } from './user-code/supervise.ts';
import type { LoadMigration } from './user-code/user-module.ts';

const Payload = z.discriminatedUnion('ask', [PreviewPayload, RunPayload]);

// V8's ten frames of an error in an SDK call are all the SDK's: the migration's own line, which operators look for, is below.
Error.stackTraceLimit = 100;

/**
 * The bundle runs in two roles: as the function, and as the process that the function starts for user code.
 * @param practice stands between the two in a practice, and nowhere else
 */
export function migrationHandler(load: LoadMigration, practice = (run: RunUserCode): RunUserCode => run) {
  if (isUserProcess()) {
    runUserProcess(load, holdBack);
    return undefined; // nobody invokes it there
  }
  const self = selfFromEnvironment();
  const services = awsServices();
  const bundle = fileURLToPath(import.meta.url);
  const inProcess: InProcess = (settings, onLine) =>
    superviseUserCode(startUserProcess({ bundle, ...settings }), REAL_CLOCK, onLine);
  const runUserCode: RunUserCode = (options) => {
    const run = inProcess({ env: userEnvironment() }, (line) => {
      logLine(line, 'migration');
    });
    return practice(run)(options);
  };
  const run = createRunMigration(self, services, runUserCode);
  const preview = createPreview({
    migration: self.migration,
    allows: PreviewAllows.parse(JSON.parse(process.env[VARIABLES.previewAllows] ?? '[]')),
    session: () => readOnlySession(new STSClient({}), required(VARIABLES.roleArn), self.migration),
    inProcess,
    onLine: (line) => {
      logLine(line, 'preview');
    },
    now: services.now,
  });
  return lambdaHandler<z.infer<typeof Payload>, RunAnswer | PreviewReport>(Payload, (payload, invocation) =>
    payload.ask === 'run' ? run(payload, invocation) : preview(payload, invocation),
  );
}

function selfFromEnvironment(): Self {
  const sliceSeconds = process.env[VARIABLES.sliceSeconds];
  return {
    migration: required(VARIABLES.migration),
    codeSha256: required(VARIABLES.codeSha256),
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
