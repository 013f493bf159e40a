// The code under test, through one door: mutants.test.ts opens the same door on a bundle with a fault in it.

export { OdinError, asOdinError } from '../../core/errors.ts';
export { LedgerLog } from '../../core/ledger/log.ts';
export { TURN_RULES } from '../../core/decision/decide.ts';
export { readView } from '../../core/views/view.ts';
export { migrationFunctionName } from '../../core/names/names.ts';
export {
  BaselinePayload,
  BatchPayload,
  CancelPayload,
  DEFINITION,
  DecidePayload,
  HaltPayload,
  NextPayload,
  OLDEST_DEFINITION,
  RecordPayload,
  RunPayload,
} from '../../core/contract/payloads.ts';
export { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
export { createBaseline } from '../../lambdas/baseline/baseline.ts';
export { createCancel } from '../../lambdas/resume/cancel.ts';
export { createHalt } from '../../lambdas/halt/halt.ts';
export { createListPending } from '../../lambdas/list-pending/list-pending.ts';
export { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
export { createResume } from '../../lambdas/resume/resume.ts';
export { createStartRun } from '../../lambdas/start-run/start-run.ts';
export { CustomResourceEvent } from '../../lambdas/shared/custom-resource.ts';
export { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
export { playTurn } from '../../lambdas/run-migration/user-code/child.ts';
export { superviseUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
export { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
export { createRunBatch } from '../../lambdas/run-migration/run-batch.ts';
