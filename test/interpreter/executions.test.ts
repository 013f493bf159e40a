// The contract of Executions over the real adapter and SDK, on LocalStack's Step Functions.
import { SFNClient } from '@aws-sdk/client-sfn';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { executionsContract } from '../support/executions-contract.ts';
import { WaitingExecutions } from '../support/waiting-executions.ts';
import type { Interpreter } from './interpreter.ts';
import { startInterpreter } from './interpreter.ts';

describe("on LocalStack's interpreter", () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-interpreter-'));
  let aws: EmbeddedAws;
  let interpreter: Interpreter;
  let sfn: SFNClient;
  let waiting: WaitingExecutions;

  beforeAll(async () => {
    aws = await startEmbeddedAws({ directory, parentEnvironment: {} });
    interpreter = await startInterpreter(aws);
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    sfn = new SFNClient({ endpoint: interpreter.endpoint, region: aws.region, credentials, maxAttempts: 1 });
    waiting = new WaitingExecutions(aws, sfn);
  });
  afterAll(async () => {
    sfn.destroy();
    await interpreter.close();
    await aws.close();
    rmSync(directory, { recursive: true, force: true });
  });

  executionsContract('the SDK', () => waiting.underTest());
});
