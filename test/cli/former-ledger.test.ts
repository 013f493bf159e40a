// `adopt` and `start-over` act on what they have shown: while the question stood, somebody else may have used the ledger, or left it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FormerLedger } from '../../client/former-ledger.ts';
import { adopt, startOver } from '../../client/former-ledger.ts';
import { findRegistration } from '../../client/registration.ts';
import type { Registration } from '../../core/contract/registration.ts';
import { parameterName } from '../../core/names/names.ts';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { thrownBy } from '../support/thrown.ts';

const OF = { app: 'shop', environment: 'odin-dev' };
const DEPLOYED: Registration = {
  version: '0.1.0',
  stack: 'shop--odin-dev',
  stateMachineArn: 'arn:aws:states:eu-west-1:000000000000:stateMachine:shop--odin-dev',
  ledgerBucket: 'the-ledger',
  resumeFunction: 'resume',
  topicArn: 'arn:aws:sns:eu-west-1:000000000000:halts',
};

const directory = mkdtempSync(path.join(tmpdir(), 'odin-former-'));
let aws: EmbeddedAws;
let shown: FormerLedger;

beforeAll(async () => {
  aws = await startEmbeddedAws({ directory, parentEnvironment: {} });
});
afterAll(async () => {
  await aws.close();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(() => {
  const { endpoint, region, credentials } = aws;
  const kept = [parameterName(OF, 'claim'), parameterName(OF, 'ledger')];
  for (const name of kept) aws.parameters.put(name, 'the-ledger');
  const identity = { ...OF, account: '000000000000', region };
  const options = { endpoint, region, credentials };
  shown = { identity, bucket: 'the-ledger', entries: 3, completed: 1, options, kept, leftover: undefined };
});

describe.each([
  ['adopt', () => adopt(shown)],
  ['start-over', () => startOver(shown, 'arn:her', 'a test')],
])('%s is refused, and nothing is changed, when meanwhile', (_, act) => {
  it('it was deployed with that ledger', async () => {
    aws.parameters.put(parameterName(OF, 'registration'), JSON.stringify(DEPLOYED));
    expect(await thrownBy(act())).toMatchObject({
      code: 'AlreadyDeployed',
      what: 'odin-dev is deployed, by the stack shop--odin-dev, and has its ledger.',
    });
    expect(await findRegistration(OF, shown.options)).toEqual({
      registration: DEPLOYED,
      ledgerBucket: 'the-ledger',
      kept: shown.kept,
    });
    aws.parameters.call('DeleteParameters', { Names: [parameterName(OF, 'registration')] });
  });

  it('another ledger stands there, or none', async () => {
    aws.parameters.put(parameterName(OF, 'ledger'), 'another');
    expect((await thrownBy(act())).code).toBe('NoFormerLedger');
    aws.parameters.call('DeleteParameters', { Names: shown.kept });
    expect((await thrownBy(act())).code).toBe('NoFormerLedger');
  });
});
