// The function's side of a migration's bundle: claims turns, has their code run, and previews. Its `index.mjs` calls it
// (project/bundle.ts).
import * as z from '../../core/schema.ts';
import { OdinError } from '../../core/errors.ts';
import { VARIABLES } from '../../core/names/names.ts';
import type { BatchAnswer, RunAnswer } from '../../core/contract/payloads.ts';
import type { Invocation } from '../../core/contract/ports.ts';
import { BatchPayload, RunPayload } from '../../core/contract/payloads.ts';
import type { PreviewAnswer } from '../../core/preview/preview.ts';
import { PreviewPayload } from '../../core/preview/preview.ts';
import { lambdaHandler } from '../shared/handler.ts';
import { ledgerServices, required } from '../shared/ledger-services.ts';
import type { InProcess } from './preview/preview.ts';
import type { Self } from './allowed-turn.ts';
import { logLine } from './log-line.ts';
import { createRunBatch } from './run-batch.ts';
import { createRunMigration } from './run-migration.ts';
import { REAL_CLOCK, startUserProcess, userEnvironment } from './user-code/fork.ts';
import type { RunUserCode } from './user-code/supervise.ts';
import { superviseUserCode } from './user-code/supervise.ts';

export type Practice = (run: RunUserCode) => RunUserCode;

const Payload = z.discriminatedUnion('ask', [PreviewPayload, BatchPayload, RunPayload]);

/**
 * @param file runs user code in a process: absolute
 * @param practice stands between the two in a practice, and nowhere else
 */
export function migrationHandler(file: string, practice: Practice = (run) => run) {
  const self = selfFromEnvironment();
  const services = ledgerServices();
  const inProcess: InProcess = (settings, onLine) =>
    superviseUserCode(startUserProcess({ file, ...settings }), REAL_CLOCK, onLine);
  const runUserCode: RunUserCode = (options) => {
    const run = inProcess({ env: userEnvironment() }, (line) => {
      logLine(line, 'migration');
    });
    return practice(run)(options);
  };
  const run = createRunMigration(self, services, runUserCode);
  const runBatch = createRunBatch(self, services, runUserCode);
  // Loaded when one is asked for: no run needs it.
  const preview = async (payload: PreviewPayload, invocation: Invocation): Promise<PreviewAnswer> => {
    const { previewOnAws } = await import('./preview/on-aws.ts');
    return previewOnAws(self.migration, inProcess)(payload, invocation);
  };
  return lambdaHandler<z.infer<typeof Payload>, RunAnswer | BatchAnswer | PreviewAnswer>(
    Payload,
    async (payload, invocation) => {
      switch (payload.ask) {
        case 'run':
          return run(payload, invocation);
        case 'batch':
          return runBatch(payload, invocation);
        case 'preview':
          return preview(payload, invocation);
      }
    },
  );
}

/** @throws OdinError BadConfiguration */
export function selfFromEnvironment(): Self {
  return {
    migration: required(VARIABLES.migration),
    codeSha256: required(VARIABLES.codeSha256),
    sliceMs: milliseconds(VARIABLES.sliceSeconds),
    saveEveryMs: milliseconds(VARIABLES.saveEverySeconds),
  };
}

function milliseconds(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined) return undefined;
  const value = Number(text) * 1000;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'system',
    what: `Expected a number of seconds, found "${text}".`,
  });
}
