// The code under test, through one door: mutants.test.ts opens the same door on a bundle with a fault in it.

export { OdinError, asOdinError } from '../../core/errors.ts';
export { Ledger } from '../../core/ledger.ts';
export { migrationFunctionName } from '../../core/names.ts';
export {
  CancelPayload,
  HaltPayload,
  ListPendingPayload,
  RecordPayload,
  ResumePayload,
  RunPayload,
} from '../../core/payloads.ts';
export { stateMachineDefinition } from '../../infra/state-machine.ts';
export { createCancel } from '../../lambdas/cancel.ts';
export { createHalt } from '../../lambdas/halt.ts';
export { createListPending } from '../../lambdas/list-pending.ts';
export { createRecordCompletion } from '../../lambdas/record-completion.ts';
export { createResume } from '../../lambdas/resume.ts';
export { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
