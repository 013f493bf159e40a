// How the command line finds an environment, and what it sends there.
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import {
  deployedManifest,
  deploymentOf,
  findDeployment,
  openMigration,
  operatorOf,
  sendBaseline,
  sendTune,
  startRun,
} from '../../client/deployment.ts';
import { OUTPUTS } from '../../core/names/names.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { createWorld, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';
const STATED: Record<string, string> = {
  [OUTPUTS.stateMachineArn]: MACHINE,
  [OUTPUTS.ledgerBucket]: 'the-ledger',
  [OUTPUTS.resumeFunction]: 'the-resume',
};

describe('an environment', () => {
  let server: Server;
  /** What CloudFormation answers to the name of a stack; undefined: there is none. */
  let stacks: Record<string, string | { code: string }>;
  /** Who STS says that asks; undefined: it denies that. */
  let caller: string | undefined;
  /** What SSM has. */
  let parameters: Record<string, string>;
  let place: { aws: object };

  beforeEach(async () => {
    stacks = {};
    parameters = {};
    caller = '<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/anna</Arn>';
    server = createServer((request, response) => {
      void text(request).then((body) => {
        if (request.headers['x-amz-target'] !== undefined) {
          const { Path } = JSON.parse(body) as { Path: string };
          const found = Object.entries(parameters).filter(([name]) => name.startsWith(Path));
          response.end(JSON.stringify({ Parameters: found.map(([Name, Value]) => ({ Name, Value })) }));
          return;
        }
        const form = new URLSearchParams(body);
        const action = form.get('Action') ?? '';
        const name = form.get('StackName') ?? '';
        const said = action === 'DescribeStacks' ? stacks[name] : caller;
        const found = said ?? { code: action === 'DescribeStacks' ? 'ValidationError' : 'AccessDenied' };
        if (typeof found !== 'string') {
          const words = found.code === 'AccessDenied' ? 'not yours' : `Stack with id ${name} does not exist`;
          const message = `<Message>${words}</Message>`;
          response
            .writeHead(400)
            .end(`<ErrorResponse><Error><Code>${found.code}</Code>${message}</Error></ErrorResponse>`);
          return;
        }
        const result = action === 'DescribeStacks' ? `<Stacks><member>${found}</member></Stacks>` : found;
        response.end(`<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`);
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    place = { aws: { endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-1', credentials, maxAttempts: 1 } };
  });
  afterEach(() => void server.close());

  const stack = (status: string, outputs: Record<string, string> = {}, reason = 'a parameter exists already') => {
    const members = Object.entries(outputs).map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    return `<StackName>x</StackName><StackStatus>${status}</StackStatus><StackStatusReason>${reason}</StackStatusReason><Outputs>${members.join('')}</Outputs>`;
  };
  const registered = (name: string) =>
    JSON.stringify({
      version: '1.0.0',
      stack: 'TheirStack',
      stateMachineArn: MACHINE,
      ledgerBucket: `the-ledger-of-${name}`,
      resumeFunction: 'the-resume',
      topicArn: 'the-topic',
      dashboardUrl: 'the-dashboard',
    });

  it('without an app is found by the outputs of its stack', async () => {
    const outputs = { ...STATED, [OUTPUTS.topicArn]: 'the-topic', [OUTPUTS.dashboardUrl]: 'the-dashboard' };
    stacks['OdinMigrate-odin-dev'] = stack('UPDATE_COMPLETE', outputs);
    expect(await findDeployment('odin-dev', place)).toMatchObject({
      app: undefined,
      environment: 'odin-dev',
      local: false,
      stateMachineArn: MACHINE,
      ledgerBucket: 'the-ledger',
      resumeFunction: 'the-resume',
      topicArn: 'the-topic',
      chatTopicArn: undefined,
      dashboardUrl: 'the-dashboard',
      identity: { environment: 'odin-dev', account: '111122223333', region: 'eu-west-1' },
    });
  });

  it('is found by its registration, in whatever stack it is, also beside a stack that failed', async () => {
    stacks['OdinMigrate-odin-dev'] = stack('ROLLBACK_COMPLETE');
    parameters['/odin-migrate/-/odin-dev/registration'] = registered('dev');
    const found = await findDeployment('odin-dev', place);
    expect(found).toMatchObject({
      ledgerBucket: 'the-ledger-of-dev',
      topicArn: 'the-topic',
      dashboardUrl: 'the-dashboard',
    });
  });

  it('whose first deployment failed is not deployed, and it is said what is in the way', async () => {
    stacks['shop--odin-dev--migrations'] = stack('ROLLBACK_COMPLETE');
    expect(await thrownBy(findDeployment('odin-dev', { app: 'shop', ...place }))).toMatchObject({
      code: 'NotDeployed',
      source: 'user',
      what: 'The first deployment of odin-dev failed. Its stack shop--odin-dev--migrations is left (ROLLBACK_COMPLETE), and in the way of the next one.',
      why: 'a parameter exists already',
      next: { words: 'It holds nothing. Delete it, and deploy again', verb: 'destroy', environment: 'odin-dev' },
    });
  });

  it('that is not there is told with those that are, and also when its stack may not be looked for', async () => {
    parameters['/odin-migrate/shop/odin-prod/registration'] = registered('prod');
    parameters['/odin-migrate/-/aside/registration'] = registered('aside');
    parameters['/odin-migrate/-/odin-dev/ledger'] = 'what was';
    stacks['shop--odin-dev--migrations'] = { code: 'AccessDenied' };
    expect(await thrownBy(findDeployment('odin-dev', { app: 'shop', ...place }))).toMatchObject({
      code: 'NotDeployed',
      source: 'user',
      what: 'odin-dev of shop is not deployed where these credentials lead.',
      why: 'They lead to account 111122223333, region eu-west-1. Found there: aside, shop/odin-prod.',
      next: {
        words: 'Check its name, --app, --profile and --region, or deploy it',
        verb: 'deploy',
        stack: 'shop--odin-dev--migrations',
      },
    });
    expect((await thrownBy(findDeployment('odin-dev', place))).what).toMatch(/^odin-dev is not deployed where/);
  });

  it('of a name that none can have is not looked for', async () => {
    expect((await thrownBy(findDeployment('Odin', place))).code).toBe('BadEnvironmentName');
  });

  it('of another account than these credentials are of is not looked for', async () => {
    const elsewhere = { ...place, account: '999999999999' };
    const refused = {
      code: 'OtherAccount',
      source: 'user',
      what: 'odin-dev is in account 999999999999, and these credentials are of account 111122223333.',
      why: 'odin-migrate.json names its account; the caller is arn:aws:iam::111122223333:user/anna.',
      next: 'Name the profile of that account with --profile, or correct the file.',
    };
    expect(await thrownBy(findDeployment('odin-dev', elsewhere))).toMatchObject(refused);
    caller = '';
    expect(await thrownBy(findDeployment('odin-dev', elsewhere))).toMatchObject({
      what: 'odin-dev is in account 999999999999, and these credentials are of account unknown.',
      why: 'odin-migrate.json names its account; the caller is unknown.',
    });
    caller = undefined;
    expect((await thrownBy(findDeployment('odin-dev', elsewhere))).code).toBe('AwsForbidden');
  });

  it('that is not there is told also where nobody says whose the credentials are', async () => {
    caller = undefined;
    expect((await thrownBy(findDeployment('odin-dev', place))).why).toBe(
      'They lead to region eu-west-1. Found there: no environment.',
    );
  });

  it('is decided on by who its credentials are of', async () => {
    stacks['OdinMigrate-odin-dev'] = stack('CREATE_COMPLETE', STATED);
    const found = await findDeployment('odin-dev', place);
    expect(found.ledger).toMatchObject({ store: expect.anything() as unknown, log: expect.anything() as unknown });
    expect(await operatorOf(found)).toBe('arn:aws:iam::111122223333:user/anna');
    caller = '';
    expect(await operatorOf(found)).toBe('unknown');
  });

  it('whose stack may not be looked at is not said to be missing', async () => {
    stacks['OdinMigrate-odin-dev'] = { code: 'AccessDenied' };
    expect((await thrownBy(findDeployment('odin-dev', place))).code).toBe('AwsForbidden');
  });

  it.each([OUTPUTS.stateMachineArn, OUTPUTS.ledgerBucket, OUTPUTS.resumeFunction])(
    'whose stack does not say its %s is to be deployed again',
    async (name) => {
      const { [name]: missing, ...outputs } = STATED;
      expect(missing).toBeDefined();
      expect(await thrownBy(() => deploymentOf({ environment: 'odin-dev' }, outputs, {}, false))).toMatchObject({
        code: 'NotDeployed',
        source: 'user',
        what: `The stack OdinMigrate-odin-dev has no output ${name}.`,
        next: { words: 'Deploy it again', verb: 'deploy', stack: 'OdinMigrate-odin-dev' },
      });
    },
  );
});

describe('what is sent there', () => {
  type Input = Record<string, unknown>;
  const deployed = (more: Partial<Deployment> = {}): Deployment => ({
    ...deploymentOf({ environment: 'odin-dev' }, STATED, { region: 'eu-west-1' }, false),
    ...more,
  });
  const sentBy = (answer: (input: Input) => object) => {
    const sent: Input[] = [];
    const send = ({ input }: { input: Input }) => {
      sent.push(input);
      return Promise.resolve(answer(input));
    };
    return { sent, client: { send } };
  };
  const answering = (answer: unknown) =>
    sentBy(() => ({ Payload: { transformToString: () => JSON.stringify(answer) } }));

  it('a run has a name of its own, by which a request that is repeated starts one', async () => {
    const { sent, client } = sentBy(() => ({ executionArn: 'started' }));
    const sfn = client as unknown as SFNClient;
    expect(await startRun(deployed({ sfn }))).toBe('started');
    const acceptChanged = ['0004'];
    await startRun(deployed({ sfn, local: true }), { allowOutOfOrder: true, allowRenumbered: ['0007'], acceptChanged });
    await startRun(deployed({ sfn }), { allowOutOfOrder: false });
    expect(sent.map(({ stateMachineArn, input }) => [stateMachineArn, JSON.parse(String(input)) as unknown])).toEqual([
      [MACHINE, {}],
      [MACHINE, { allowOutOfOrder: true, allowRenumbered: ['0007'], acceptChanged }],
      [MACHINE, {}],
    ]);
    const [first, second] = sent.map(({ name }) =>
      String(name).replace(/\d\d\d\d-\d\d-\d\dT\d\d-\d\d-\d\d-\d\d\dZ/, 'TIME'),
    );
    expect([first, second]).toEqual([`run-TIME-${process.pid}`, `local-TIME-${process.pid}`]);
  });

  it('a question for the manifest goes to what has it; another answer is one of another version', async () => {
    const manifest = manifestOf('0001');
    const good = answering(manifest);
    expect(await deployedManifest(deployed({ lambda: good.client as unknown as LambdaClient }))).toEqual(manifest);
    expect(good.sent).toEqual([{ FunctionName: 'odin-migrate-odin-dev-list-pending', Payload: '{"ask":"manifest"}' }]);
    const other = deployed({ lambda: answering({ step: 'done' }).client as unknown as LambdaClient });
    expect(await thrownBy(deployedManifest(other))).toMatchObject({
      code: 'NotDeployed',
      source: 'user',
      what: 'odin-migrate-odin-dev-list-pending did not answer with its manifest: it was deployed by another version of odin-migrate.',
      next: { words: 'Deploy it again', verb: 'deploy', stack: 'OdinMigrate-odin-dev' },
    });
  });

  it('what is refused is an error with the words of the function; any other answer is one', async () => {
    const said = { ask: 'tune', migration: '0001', concurrency: 5, by: 'anna' } as const;
    const refusal = { result: 'refused', code: 'NothingHalted', what: 'Nothing runs.', next: 'Look at the status.' };
    const to = (answer: unknown) =>
      deployed({ local: true, lambda: answering(answer).client as unknown as LambdaClient });
    const { code, source, what, next } = await thrownBy(sendTune(to(refusal), said));
    expect([code, source, what, next]).toEqual(['NothingHalted', 'user', 'Nothing runs.', 'Look at the status.']);
    for (const answer of [{ result: 'tuned' }, null, 'refused', {}])
      expect(await sendTune(to(answer), said)).toEqual(answer);
  });

  it('a baseline goes to the function that takes it, by its name', async () => {
    const { sent, client } = answering({ result: 'baselined' });
    const to = deployed({ local: true, lambda: client as unknown as LambdaClient });
    await sendBaseline(to, { ask: 'baseline', through: '0004', reason: 'ran before', by: 'anna' });
    expect(sent.map(({ FunctionName }) => FunctionName)).toEqual(['odin-migrate-odin-dev-baseline']);
  });

  it('what is said of an open turn names its migration, and who says it on this machine is its user', async () => {
    const { ledger, ...world } = createWorld();
    expect(await openMigration(deployed({ ledger }))).toBeUndefined();
    await ledgerBefore(world).allow('0004');
    expect(await openMigration(deployed({ ledger }))).toBe('0004');
    expect(await operatorOf(deployed({ local: true }))).toBe(`local:${userInfo().username}`);
  });
});
