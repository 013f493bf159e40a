// `odin-migrate resume`: an operator's decision on a halt, deployed or local.
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Decision } from '../../core/decide.ts';
import type { Resumed, ResumePayload } from '../../core/payloads.ts';
import { findDeployment, sendDecision } from '../deployment.ts';
import { startEmbedded } from '../embedded.ts';
import type { ExitCode } from '../exit-codes.ts';
import { EXIT } from '../exit-codes.ts';
import { Seen } from '../follow.ts';
import { LocalOutput } from '../local-output.ts';
import { plain, print } from '../output.ts';
import type { Project } from '../project.ts';
import { localUser, runToEnd } from '../run-to-end.ts';

export interface ResumeOptions {
  local?: boolean;
  reason?: string;
  /** Decide only if it is this attempt that is halted. */
  migration?: string;
  attempt?: number;
}

export async function resume(
  project: Project,
  environment: string,
  decision: Decision,
  options: ResumeOptions,
): Promise<ExitCode> {
  return options.local
    ? await resumeLocally(project, environment, decision, options)
    : await resumeDeployed(environment, decision, options);
}

async function resumeDeployed(environment: string, decision: Decision, options: ResumeOptions): Promise<ExitCode> {
  const deployment = await findDeployment(environment);
  const { Arn: by = 'unknown' } = await new STSClient().send(new GetCallerIdentityCommand());
  const answer = await sendDecision(deployment, payloadOf(decision, by, options));
  explain(answer);
  return EXIT.done;
}

/** The process that halted is gone, and its execution with it: a new one is started here and followed to its end. */
async function resumeLocally(
  project: Project,
  environment: string,
  decision: Decision,
  options: ResumeOptions,
): Promise<ExitCode> {
  const output = new LocalOutput();
  const embedded = await startEmbedded({ project, environment, onLog: output.onLog });
  try {
    const { deployment } = embedded;
    const seen = await Seen.everythingIn(deployment);
    const answer = await sendDecision(deployment, payloadOf(decision, localUser(), options));
    explain(answer);
    const [executionArn] = answer.executions;
    if (executionArn === undefined) return EXIT.done;
    return await runToEnd({ deployment, executionArn, seen, report: output.reportOf(embedded), pollMs: 100 });
  } finally {
    await embedded.close();
  }
}

function payloadOf(decision: Decision, by: string, { reason, migration, attempt }: ResumeOptions): ResumePayload {
  return {
    decision,
    by,
    ...(reason !== undefined && { reason }),
    ...(migration !== undefined && attempt !== undefined && { halt: { migration, attempt } }),
  };
}

function explain(answer: Resumed): void {
  print(plain(answer.message));
  for (const execution of answer.executions) print(`  ${execution}`);
}
