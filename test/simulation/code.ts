// The code under test, through one door: mutants.test.ts opens the same door on a bundle with a fault in it.

export { OdinError, asOdinError } from '../../core/errors.ts';
export { Ledger } from '../../core/ledger/ledger.ts';
export { migrationFunctionName } from '../../core/names/names.ts';
export {
  CancelPayload,
  HaltPayload,
  ListPendingPayload,
  RecordPayload,
  ResumePayload,
  RunPayload,
} from '../../core/contract/payloads.ts';
export { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
export { createCancel } from '../../lambdas/resume/cancel.ts';
export { createHalt } from '../../lambdas/halt/halt.ts';
export { createListPending } from '../../lambdas/list-pending/list-pending.ts';
export { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
export { createResume } from '../../lambdas/resume/resume.ts';
export { playTurn } from '../../lambdas/run-migration/user-code/child.ts';
export { superviseUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
export { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
