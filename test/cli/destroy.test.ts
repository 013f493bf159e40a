// What `destroy` stops: every execution that lives, unless code of a migration runs. The emulator has no redrive that is pending.
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ClientOptions } from '../../client/client-options.ts';
import type { Deployment } from '../../client/deployment.ts';
import type { Standing } from '../../client/destroy.ts';
import { destroy, findStanding, removeLeftover, runningOf } from '../../client/destroy.ts';
import { removeStack } from '../../client/remove-stack.ts';
import { parameterName } from '../../core/names/names.ts';
import { start } from '../local/support.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { createWorld } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';

/** @param answer what ListExecutions answers to a filter and a token, and StopExecution to what it is given */
function clientOf(answer: (statusFilter: string, nextToken: string | undefined, input: object) => object): SFNClient {
  const sfn = new SFNClient({ region: 'eu-west-1' });
  sfn.middlewareStack.add(
    () => (args) => {
      const { statusFilter = '', nextToken } = args.input as { statusFilter?: string; nextToken?: string };
      return Promise.resolve({
        response: {},
        output: { $metadata: {}, ...answer(statusFilter, nextToken, args.input) },
      });
    },
    { step: 'initialize' },
  );
  return sfn;
}

it('is what runs, on every page, and what a redrive is about to begin again', async () => {
  const pages: Record<string, object> = {
    RUNNING: { executions: [{ executionArn: 'a' }], nextToken: 'more' },
    'RUNNING more': { executions: [{ executionArn: 'b' }] },
    PENDING_REDRIVE: { executions: [{ executionArn: 'c' }, { executionArn: 'b' }] },
  };
  const sfn = clientOf((filter, token) => pages[[filter, token].filter(Boolean).join(' ')] ?? {});
  expect(await runningOf({ sfn, stateMachineArn: MACHINE })).toEqual(['a', 'b', 'c']);
});

it('is nothing of a machine that is gone', async () => {
  const sfn = clientOf(() => {
    throw Object.assign(new Error('gone'), { name: 'StateMachineDoesNotExist' });
  });
  expect(await runningOf({ sfn, stateMachineArn: MACHINE })).toEqual([]);
});

it('is not done when a migration has begun while the question stood', async () => {
  const world = createWorld();
  const before = ledgerBefore(world);
  await before.claim(await before.allow('0002'));
  const sfn = clientOf(() => {
    throw new Error('nothing is to be stopped');
  });
  const deployment = { environment: 'odin-dev', ledger: world.ledger, options: {}, sfn } as unknown as Deployment;
  const shown = {
    is: 'deployed',
    stack: undefined,
    within: 'ours',
    deployment,
    running: ['a'],
    ledgerGoes: false,
  } as const;
  const refused = await thrownBy(destroy({ ...shown, running: [...shown.running] }));
  expect(refused).toMatchObject({
    code: 'StillRunning',
    source: 'user',
    what: '0002 of odin-dev is running: nothing would record what becomes of it.',
    next: { words: expect.stringContaining('Type the same again after its end') as string, verb: 'status' },
  });
});

describe('a stack', () => {
  type Answer = string | { code: string; message: string };
  let server: Server;
  let asked: string[];
  /** What CloudFormation answers to each action, by the number of times that it was asked before. */
  let answers: Record<string, (times: number, form: URLSearchParams) => Answer>;
  let options: ClientOptions;

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const form = new URLSearchParams(body);
        const action = form.get('Action') ?? '';
        const times = asked.filter((each) => each.startsWith(action)).length;
        asked.push([action, form.get('StackName'), form.get('EnableTerminationProtection')].filter(Boolean).join(' '));
        const answer = answers[action]?.(times, form) ?? '';
        const result = `<${action}Response><${action}Result>${answer as string}</${action}Result></${action}Response>`;
        if (typeof answer === 'string') response.end(result);
        else {
          const { code, message } = answer;
          response
            .writeHead(400)
            .end(`<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`);
        }
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    options = { endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-1', credentials, maxAttempts: 1 };
    answers = {
      GetCallerIdentity: () => '<Arn>arn:aws:iam::111122223333:user/anna</Arn>',
      DescribeStacks: (times) => (times === 0 ? stack('UPDATE_COMPLETE') : GONE),
    };
  });
  afterEach(() => void server.close());

  const GONE = { code: 'ValidationError', message: 'Stack with id ours does not exist' };
  const stack = (status: string, reason = '') =>
    `<Stacks><member><StackName>ours</StackName><StackId>arn:ours</StackId><CreationTime>2026-03-01T12:00:00Z</CreationTime>` +
    `<StackStatus>${status}</StackStatus><StackStatusReason>${reason}</StackStatusReason></member></Stacks>`;
  const template = (resources: object) =>
    `<TemplateBody>${JSON.stringify({ Resources: resources }).replaceAll('"', '&quot;')}</TemplateBody>`;
  const BUCKET = { Type: 'AWS::S3::Bucket' };

  it('is unprotected, and deleted by its id, under which one that is gone is still known', async () => {
    let meanwhile = 0;
    await removeStack('ours', options, () => Promise.resolve(void (meanwhile += 1)));
    expect(asked).toEqual([
      'DescribeStacks ours',
      'UpdateTerminationProtection ours false',
      'DeleteStack arn:ours',
      'DescribeStacks arn:ours',
    ]);
    expect(meanwhile).toBe(1);
  });

  it('is waited for until it is deleted, and what comes up meanwhile is done each time', async () => {
    answers['DescribeStacks'] = (times) =>
      stack(['UPDATE_COMPLETE', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE'][times] ?? '');
    let meanwhile = 0;
    await removeStack('ours', options, () => Promise.resolve(void (meanwhile += 1)));
    expect(meanwhile).toBe(2);
  });

  it('that CloudFormation does not know any more is gone, in whatever words', async () => {
    answers['DescribeStacks'] = (times) => (times === 0 ? stack('UPDATE_COMPLETE') : '<Stacks></Stacks>');
    await removeStack('ours', options);
    expect(asked.at(-1)).toBe('DescribeStacks arn:ours');
    answers['DescribeStacks'] = () => '';
    await removeStack('ours', options);
    expect(asked.slice(-2)).toEqual(['DeleteStack ours', 'DescribeStacks ours']);
  });

  it('that CloudFormation does not delete is told with its words', async () => {
    answers['DescribeStacks'] = (times) =>
      times === 0
        ? stack('UPDATE_COMPLETE')
        : stack('DELETE_FAILED', 'The following resource(s) failed to delete: [Topic].');
    expect(await thrownBy(removeStack('ours', options))).toMatchObject({
      code: 'StackNotDeleted',
      source: 'system',
      next: expect.stringContaining("stack's events in CloudFormation's console") as string,
      what: 'CloudFormation did not delete the stack ours: it is DELETE_FAILED.',
      why: 'The following resource(s) failed to delete: [Topic].',
    });
  });

  it('that may not be deleted, or looked at meanwhile, says so, and is not taken for gone', async () => {
    const denied = { code: 'AccessDenied', message: 'not yours' };
    answers['DescribeStacks'] = (times) => (times === 0 ? stack('UPDATE_COMPLETE') : denied);
    expect((await thrownBy(removeStack('ours', options))).code).toBe('AwsForbidden');
    asked = [];
    answers['UpdateTerminationProtection'] = () => denied;
    expect((await thrownBy(removeStack('ours', options))).code).toBe('AwsForbidden');
    expect(asked).not.toContain('DeleteStack arn:ours');
  });

  it.each(['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED'])(
    'that is %s is what a first deployment left that failed: it goes, and nothing else is asked',
    async (status) => {
      answers['DescribeStacks'] = (times) => (times < 2 ? stack(status) : GONE);
      const place = { app: 'shop', aws: options };
      const found = await findStanding('odin-dev', place);
      expect(found).toEqual({ is: 'leftover', stack: 'shop--odin-dev--migrations', options });
      if (found.is === 'leftover') await removeLeftover(found);
      expect(asked.at(-2)).toBe('DeleteStack arn:ours');
      expect(new Set(asked.map((action) => action.split(' ')[0]))).toEqual(
        new Set(['DescribeStacks', 'UpdateTerminationProtection', 'DeleteStack']),
      );
    },
  );

  const standing = (sfn: SFNClient, more: Partial<Standing> = {}, world = createWorld()): Standing => ({
    is: 'deployed',
    stack: 'ours',
    within: 'ours',
    deployment: { environment: 'odin-dev', ledger: world.ledger, options, sfn } as unknown as Deployment,
    running: ['a', 'b'],
    ledgerGoes: false,
    ...more,
  });

  it.each([
    ['is deleted with its stack', { Ledger: { ...BUCKET, DeletionPolicy: 'Delete' } }],
    ['is not said to be kept', { Queue: { Type: 'AWS::SQS::Queue' }, Ledger: BUCKET }],
  ])('is not deleted when by now the ledger would go with it, because it %s', async (_, resources) => {
    answers['GetTemplate'] = () => template(resources);
    const stopped: unknown[] = [];
    const sfn = clientOf((_filter, _token, input) => {
      stopped.push(input);
      return {};
    });
    expect(await thrownBy(destroy(standing(sfn)))).toMatchObject({
      code: 'BadUsage',
      source: 'user',
      what: expect.stringContaining('its ledger would be deleted with it now') as string,
      next: 'Type the same again.',
    });
    expect(asked).toEqual(['GetTemplate ours']);
    expect(stopped).toEqual([]);
  });

  it('is deleted after the runs that were shown, and those that began meanwhile, were stopped in the name of who does it', async () => {
    answers['GetTemplate'] = () =>
      template({ Ledger: { ...BUCKET, DeletionPolicy: 'RetainExceptOnCreate' }, Queue: { Type: 'AWS::SQS::Queue' } });
    const stopped: object[] = [];
    const sfn = clientOf((filter, _token, input) => {
      if (filter === 'RUNNING') return { executions: [{ executionArn: 'c' }] };
      if (filter === '') stopped.push({ ...input, before: asked.at(-1) });
      if ('executionArn' in input && input.executionArn === 'a')
        throw Object.assign(new Error('gone'), { name: 'ExecutionDoesNotExist' });
      return {};
    });
    const world = createWorld();
    const before = ledgerBefore(world);
    await before.complete('0001', 'baseline');
    const turn = await before.allow('0002');
    await before.close(turn, 'failed');
    await before.halt(turn);
    await destroy(standing(sfn, {}, world));
    const cause = 'arn:aws:iam::111122223333:user/anna (claimed) destroys the environment';
    expect(stopped).toEqual([
      { executionArn: 'a', error: 'Destroyed', cause, before: 'GetCallerIdentity' },
      { executionArn: 'b', error: 'Destroyed', cause, before: 'GetCallerIdentity' },
      { executionArn: 'c', error: 'Destroyed', cause, before: 'DeleteStack arn:ours' },
    ]);
    expect(asked.at(-1)).toBe('DescribeStacks arn:ours');
  });

  it('whose template may not be read is not deleted: nobody knows whether the ledger would go', async () => {
    answers['GetTemplate'] = () => ({ code: 'AccessDenied', message: 'not yours' });
    const sfn = clientOf(() => {
      throw new Error('nothing is to be stopped');
    });
    expect((await thrownBy(destroy(standing(sfn)))).code).toBe('AwsForbidden');
    expect(asked).toEqual(['GetTemplate ours']);
  });

  it('of a team is not deleted: its runs are stopped, and it is left', async () => {
    const sfn = clientOf(() => ({}));
    await destroy(standing(sfn, { stack: undefined }));
    expect(asked).toEqual(['GetCallerIdentity']);
  });

  it('is not deleted when a run cannot be stopped', async () => {
    answers['GetTemplate'] = () => template({});
    const sfn = clientOf(() => {
      throw Object.assign(new Error('not yours'), { name: 'AccessDeniedException' });
    });
    expect((await thrownBy(destroy(standing(sfn)))).code).toBe('AwsForbidden');
    expect(asked).toEqual(['GetTemplate ours', 'GetCallerIdentity']);
  });
});

it('is not done while code that was halted may still run', async () => {
  const world = createWorld();
  const before = ledgerBefore(world);
  const turn = await before.allow('0002');
  await before.claim(turn);
  await before.halt(turn, 'unknown');
  const deployment = { environment: 'odin-dev', ledger: world.ledger, options: {} } as unknown as Deployment;
  const shown = {
    is: 'deployed',
    stack: undefined,
    within: 'ours',
    deployment,
    running: [],
    ledgerGoes: false,
  } as const;
  const { code, what } = await thrownBy(destroy({ ...shown, running: [] }));
  expect(code).toBe('StillRunning');
  expect(what).toMatch(/^0002 of odin-dev is running, or may be until 2026-03-01 12:15:10 UTC: nothing would record/);
});

it('of an environment in a team’s own stack is what runs there: the stack is not asked for, and stays', async () => {
  const started = await start();
  onTestFinished(() => started.stop());
  const { endpoint, region, credentials } = started.aws;
  const registration = {
    version: '1.0.0',
    stack: 'TheirStack',
    stateMachineArn: `arn:aws:states:${region}:000000000000:stateMachine:shop--odin-dev`,
    ledgerBucket: 'the-ledger',
    resumeFunction: 'resume',
    topicArn: 'topic',
  };
  const of = { app: 'shop', environment: 'odin-dev' };
  started.aws.parameters.put(parameterName(of, 'registration'), JSON.stringify(registration));
  await started.s3.send(new CreateBucketCommand({ Bucket: 'the-ledger' }));
  const found = await findStanding('odin-dev', { app: 'shop', aws: { endpoint, region, credentials } });
  const expected = { is: 'deployed', stack: undefined, within: 'TheirStack', running: [], ledgerGoes: false };
  expect(found).toMatchObject(expected);
});
