// What an operator and a pipeline type, as real processes against a deployed environment: output and exit codes.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import type { Entry } from '../../core/ledger/entries.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { EnvironmentView } from '../../core/views/view.ts';
import { fails, prints, readsNothing, takes, works } from './migrations.ts';
import type { Platform } from './platform.ts';
import { DATA_BUCKET } from './platform.ts';
import { PROJECT } from '../support/project.ts';
import { until, World } from './world.ts';

const TIMEOUT_MS = 600_000;

export interface Typed {
  code: number;
  stdout: string;
  stderr: string;
}

const programOf = (...args: string[]) => [path.join(PROJECT, 'cli/odin-migrate.js'), ...args];

/** Types `odin-migrate …` with these environment variables and no others of ours, away from a terminal. */
export const type = (environment: Record<string, string>, ...args: string[]): Promise<Typed> =>
  new Promise((resolve) => {
    const { PATH = '', HOME = '' } = process.env;
    // CI is set so that a colour library that colours CI logs would be caught.
    execFile(
      process.execPath,
      programOf(...args),
      { env: { PATH, HOME, CI: 'true', ...environment } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
      },
    );
  });

const SPECS = [
  { environment: 'cli-works', files: { '0001.ts': works('First'), '0002.ts': works('Second') } },
  { environment: 'cli-started', files: {} },
  { environment: 'cli-prints', files: { '0001.ts': prints(), '0002.ts': fails('half') } },
  { environment: 'cli-halts', files: { '0001.ts': works(), '0002.ts': fails(), '0003.ts': works() } },
  { environment: 'cli-late', files: { '0002.ts': works() } },
  { environment: 'cli-stopped', files: { '0001.ts': takes(20) } },
  { environment: 'cli-followed', files: { '0001.ts': takes(20) } },
  { environment: 'cli-looked-at', files: { '0001.ts': readsNothing() } },
  { environment: 'cli-adopted', files: { '0001.ts': fails(), '0002.ts': fails(), '0003.ts': works() } },
];

/** @param only the environments whose scenarios are run; all of them without it */
export function runCommandLineScenarios(
  name: string,
  makePlatform: () => Promise<Platform>,
  only: readonly string[] = SPECS.map(({ environment }) => environment),
): void {
  const scenario = (environment: string, title: string, live: () => Promise<void>): void => {
    if (only.includes(environment)) it(title, live);
  };

  describe(name, { concurrent: true, timeout: TIMEOUT_MS }, () => {
    let platform: Platform;
    let deployments: Map<string, Deployment>;

    beforeAll(async () => {
      platform = await makePlatform();
      deployments = await platform.deploy(SPECS.filter(({ environment }) => only.includes(environment)));
    });
    afterAll(async () => {
      await platform.close();
    });

    function enter(environment: string) {
      const deployment = deployments.get(environment);
      if (!deployment) throw new Error(`${environment} was not deployed`);
      const { endpoint = '', region = '', credentials } = deployment.options;
      const variables = {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
        AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
        AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: platform.logsEndpoint ?? endpoint,
      };
      return {
        world: new World(platform, environment, deployment),
        cli: (command: string, ...args: string[]) => type(variables, command, environment, ...args),
        variables,
      };
    }

    scenario('cli-works', 'run --wait follows a run to its end: exit code 0, twice', async () => {
      const { cli, world } = enter('cli-works');
      const first = await cli('run', '--wait');
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(first.stdout).toContain('▶ 0001  First');
      expect(first.stdout).toMatch(/✔ 0002 {2}applied {2}\d+\.\d s/);
      expect(first.stdout).toContain('Done: 2 applied.');
      // eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
      expect(first.stdout).not.toMatch(/\x1b/);

      const second = await cli('run', '--wait', '--json');
      expect(second.code).toBe(0);
      expect(JSON.parse(second.stdout)).toMatchObject({ outcome: 'done', exitCode: 0 });
      expect(second.stderr).toContain('nothing was pending');
      expect(await world.effects('0001')).toBe(1);

      const status = await cli('status');
      expect(status.code).toBe(0);
      expect(status.stdout).toContain('2 of 2 completed');
      expect(status.stdout).toMatch(/^0001 {2}First +applied +1 +\d{4}-\d\d-\d\d \d\d:\d\d +\d+\.\d s$/m);

      const history = JSON.parse((await cli('history', '0002', '--json')).stdout) as Entry[];
      expect(history.map(({ kind }) => kind)).toEqual(['allowed', 'completed']);
      expect((await cli('cancel')).stderr).toMatch(/^NothingRunning: No migration of cli-works is running/);
      expect((await cli('history', '0007')).stderr).toContain('cli-works has no migration 0007');
      expect((await cli('history', '7')).code).toBe(1);

      const doctor = await cli('doctor', '--ledger');
      expect(doctor.code).toBe(0);
      expect(doctor.stdout).toContain('✔ cli-works  the ledger holds together');
      expect((await cli('doctor')).code).toBe(1);
    });

    scenario('cli-prints', 'what migrations print is shown while a run is followed, and afterwards', async () => {
      const { cli, variables } = enter('cli-prints');
      expect((await cli('logs')).stderr).toMatch(/^BadUsage: Nothing was run in cli-prints yet/);
      const run = await cli('run', '--wait', '--logs');
      expect(run.code).toBe(2);
      const said = [/^▶ 0001/m, /^ {9}moved 7 of 7$/m, /^ {9}and counted them$/m, /^ {9}structured$/m];
      expect(run.stdout).toMatch(/^ {9}slow$/m);
      const places = [...said, /^✔ 0001/m, /^▶ 0002/m, /^✖ 0002/m].map((words) => run.stdout.search(words));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(places[0]).toBeGreaterThanOrEqual(0);
      expect(run.stdout).not.toContain('attempt 9');

      const first = await cli('logs', '0001');
      expect(first).toMatchObject({ code: 0, stderr: '' });
      const [title, ...rest] = first.stdout
        .replaceAll(/^\d\S+ \S+ {2}/gm, '')
        .trimEnd()
        .split('\n');
      expect(title).toBe('▶ 0001  attempt 1');
      // Two streams of a process have no order between them.
      expect(rest).toEqual(expect.arrayContaining(['moved 7 of 7', 'and counted them', 'slow', 'structured']));
      // The emulator's streams do not say whose they are, and Lambda's own text of an error names nobody: that stays with 0001.
      expect(first.stdout).not.toContain('▶ 0002');
      const last = await cli('logs', '--json');
      const lines = last.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      expect(lines).toContainEqual(
        expect.objectContaining({ by: 'function', level: 'error', migration: '0002', attempt: 1 }),
      );
      expect((await cli('logs', '--since', '1h')).stdout).toMatch(/^▶ 0001[^]*^▶ 0002/m);
      expect((await cli('logs', '0002', '--attempt', '2')).stderr).toMatch(/^BadUsage: 0002 had one attempt, and no/);
      expect((await cli('logs', '--attempt', '1')).stdout).toMatch(/^▶ 0002 {2}attempt 1$/m);
      expect((await cli('logs', '0009')).stderr).toMatch(/^BadUsage: 0009 was never run in cli-prints/);
      expect((await cli('logs', '9')).code).toBe(1);

      const { PATH = '', HOME = '' } = process.env;
      const program = programOf('logs', 'cli-prints', '--follow', '--since', '1h');
      const following = spawn(process.execPath, program, { env: { PATH, HOME, ...variables } });
      let printed = '';
      following.stdout.on('data', (data) => (printed += String(data)));
      const closed = once(following, 'close');
      await until('what is there', () => Promise.resolve(printed.includes('0002') || undefined));
      await cli('resume', 'retry', '--wait');
      await until('what comes', () => Promise.resolve(printed.includes('▶ 0002  attempt 2') || undefined));
      following.kill('SIGINT');
      expect((await closed)[0]).toBe(130);
      expect(printed.split('moved 7 of 7')).toHaveLength(2);
    });

    scenario('cli-started', 'run without --wait starts the run and says where to look', async () => {
      const { cli } = enter('cli-started');
      const started = await cli('run', '--json');
      expect(started.code).toBe(0);
      expect(JSON.parse(started.stdout)).toMatchObject({ outcome: 'started' });
      expect(started.stderr).toContain('npx --no-install odin-migrate status cli-started');
    });

    scenario(
      'cli-halts',
      'a halt is exit code 2, a second run 3, and the decision is recorded with the IAM identity',
      async () => {
        const { cli, world } = enter('cli-halts');
        const halted = await cli('run', '--wait', '--json');
        expect(halted.code).toBe(2);
        expect(halted.stdout).not.toContain('"token"');
        expect(JSON.parse(halted.stdout)).toMatchObject({
          outcome: 'halted',
          halt: { migration: '0002', attempt: 1, halt: 4 },
        });
        expect(halted.stderr).toContain('npx --no-install odin-migrate resume cli-halts retry --halt 4');

        const status = await cli('status');
        expect(status.code).toBe(2);
        expect(status.stdout).toContain('Error: the disk of the past is full');
        expect(status.stdout).toMatch(/at migrations\/cli-halts\/0002\.ts:\d+/);
        expect(status.stdout).toContain('resume cli-halts skip --halt 4 --reason "..."');
        // On the emulator the tests themselves listen.
        expect(status.stdout).toMatch(/^(Nobody is told of a halt: the topic has no|1 subscriber is told of halts$)/m);
        const view = JSON.parse((await cli('status', '--json')).stdout) as EnvironmentView;
        expect(view.migrations.map(({ state }) => state)).toEqual(['applied', 'halted', 'pending']);

        const second = await cli('run');
        expect(second).toMatchObject({ code: 3, stdout: '' });
        expect(second.stderr).toMatch(/^HaltedElsewhere: cli-halts is halted at 0002, attempt 1/);

        const previewed = await cli('preview', '--json');
        expect(previewed.code).toBe(4); // 0002 throws here too
        const reports = JSON.parse(previewed.stdout) as Previewed[];
        expect(reports.map(({ migration, outcome }) => [migration, outcome])).toEqual([
          ['0002', 'threw'],
          ['0003', 'finished'],
        ]);
        expect(reports[1]?.before).toEqual([{ migration: '0002', seen: 'part' }]);
        expect(previewed.stderr).toMatch(
          /^ {2}WRITE {2}PutObject +1 +1 +s3:\/\/scenario-effects\/effects\/cli-halts\/0003\//m,
        );
        expect(await world.effects('0003')).toBe(0);
        expect((await cli('preview', '0007')).code).toBe(1);

        const unreasoned = await cli('resume', 'skip');
        expect(unreasoned.code).toBe(3);
        expect(unreasoned.stderr).toContain('skip needs a reason');
        expect((await cli('resume', 'retry', '--halt', '2')).code).toBe(3); // a completion
        expect((await cli('resume', 'retry', '--halt', '0002x')).code).toBe(1);
        expect((await cli('resume', 'perhaps')).code).toBe(1);

        const again = await cli('resume', 'retry', '--wait');
        expect(again.code).toBe(2);
        expect(again.stdout).toContain('halted, attempt 2');

        const skipped = await cli('resume', 'skip', '--reason', 'not needed here', '--wait');
        expect(skipped.code).toBe(0);
        expect(skipped.stdout).toContain('Recorded: skip on 0002, attempt 2.');
        expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'skipped', '0003': 'applied' });
        expect(await world.completion('0002')).toMatchObject({
          by: expect.stringMatching(/^arn:aws:/) as string,
          identity: { is: 'verified' },
        });

        const history = await cli('history');
        expect(history.stdout).toMatch(
          /0002 {2}attempt 2 {2}skip, decided by arn:aws:\S+ \(verified\) on the halt of entry \d+: not needed here/,
        );
        expect((await cli('resume', 'retry')).code).toBe(3);
      },
    );

    scenario('cli-late', 'a late number is refused with exit code 3, or allowed', async () => {
      const { cli, world } = enter('cli-late');
      expect((await cli('run', '--wait')).code).toBe(0);
      await world.redeploy({ '0001.ts': works(), '0002.ts': works() });
      const refused = await cli('run', '--wait');
      expect(refused.code).toBe(3);
      expect(refused.stdout).toContain('OutOfOrder');
      expect(refused.stdout).toContain('cli-late/0001.ts');
      for (const option of ['--accept-changed', '--allow-renumbered']) {
        const slip = await cli('run', '--wait', option, '0009');
        expect(slip.code).toBe(1);
        expect(slip.stderr).toMatch(/^BadUsage: cli-late has no migration "0009"; no run was started\./);
      }
      const status = await cli('status');
      expect(status.stdout).toMatch(/^0001 .* late$/m);
      expect((await cli('run', '--wait', '--allow-out-of-order')).code).toBe(0);
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    });

    scenario('cli-followed', 'who leaves a run with Ctrl-C is told how to follow it, and does so', async () => {
      const { variables, world } = enter('cli-followed');
      const { PATH = '', HOME = '' } = process.env;
      const left = spawn(process.execPath, programOf('run', 'cli-followed', '--wait'), {
        env: { PATH, HOME, ...variables },
      });
      const printed: string[] = [];
      left.stdout.on('data', (chunk) => printed.push(String(chunk)));
      const closed = once(left, 'close');
      await until('the claim of 0001', () => world.claimed('0001'));
      left.kill('SIGINT');
      expect((await closed)[0]).toBe(130);
      const execution = (await world.turn('0001'))?.execution ?? '';
      expect(printed.join('')).toContain(
        `The run goes on in AWS, and nobody here follows it: ${execution}\nFollow it again with: npx --no-install odin-migrate run cli-followed --wait\n`,
      );

      const again = await type(variables, 'run', 'cli-followed', '--wait', '--json');
      expect(again.stderr).toContain('a run is under way, and is followed');
      expect(again.stderr).toContain('▶ 0001');
      expect(JSON.parse(again.stdout)).toMatchObject({ execution, outcome: 'done' });
      expect(await world.effects('0001')).toBe(1);
    });

    scenario('cli-stopped', 'a run that somebody stops is exit code 4', async () => {
      const { cli, world } = enter('cli-stopped');
      const waiting = cli('run', '--wait');
      await until('the claim of 0001', () => world.claimed('0001'));
      const cancelled = await cli('cancel', '--reason', 'too slow');
      expect(cancelled).toMatchObject({ code: 3, stdout: '' });
      expect(cancelled.stderr).toMatch(/^NotCheckpointed: Migration 0001, attempt 1, has yielded no checkpoint/);
      const cutOff = await cli('destroy', '--yes');
      expect(cutOff.code).toBe(3);
      expect(cutOff.stderr).toMatch(/^StillRunning: 0001 of cli-stopped is running: nothing would record/);
      await world.stop((await world.turn('0001'))?.execution ?? '');
      const stopped = await waiting;
      expect(stopped.code).toBe(4);
      expect(stopped.stdout).toContain('The run ended aborted');
    });

    scenario(
      'cli-adopted',
      'baseline adopts an environment, from the status object of the replaced process',
      async () => {
        const { cli, world } = enter('cli-adopted');
        const wrong = await cli('baseline', '--through', '0012', '--reason', 'adopted');
        expect(wrong.code).toBe(3);
        expect(wrong.stderr).toContain('0012 is not among the deployed migrations');
        expect((await cli('baseline', '--reason', 'adopted')).code).toBe(1);
        expect((await cli('baseline', '--through', '0002')).code).toBe(1);

        const from = `s3://${DATA_BUCKET}/status/cli-adopted/`;
        const none = await cli('baseline', '--from', from, '--reason', 'adopted');
        expect(none).toMatchObject({ code: 1 });
        expect(none.stderr).toContain('found none');
        await world.deployment.s3.send(
          new PutObjectCommand({ Bucket: DATA_BUCKET, Key: 'status/cli-adopted/0002', Body: '2024-11-02' }),
        );
        const adopted = await cli('baseline', '--from', from, '--reason', 'ran in the old process', '--json');
        expect(adopted.code).toBe(0);
        expect(JSON.parse(adopted.stdout)).toMatchObject({ recorded: ['0001', '0002'], already: [] });
        expect(await world.completion('0002')).toMatchObject({
          completion: 'baseline',
          reason: 'ran in the old process',
          by: expect.stringMatching(/^arn:aws:/) as string,
          identity: { is: 'verified' },
        });

        expect((await cli('run', '--wait')).code).toBe(0);
        expect([await world.effects('0001'), await world.attempts('0002')]).toEqual([0, 0]);
        expect(await world.effects('0003')).toBe(1);
        expect((await cli('status')).stdout).toMatch(/^0001 .* baseline +2/m);
      },
    );

    scenario(
      'cli-looked-at',
      'the dashboard of a deployed environment is served here, and its button decides',
      async () => {
        const { cli, world, variables } = enter('cli-looked-at');
        const halted = await cli('run', '--wait');
        expect(halted.code).toBe(2);
        // The SDK threw, and the line that is shown is the migration's own.
        expect(halted.stdout).toMatch(/failed: NoSuchKey: [^]*\n +migrations\/cli-looked-at\/0001\.ts:\d+:\d+\n/);
        const { PATH = '', HOME = '' } = process.env;
        const served = spawn(process.execPath, programOf('dashboard', 'cli-looked-at'), {
          env: { PATH, HOME, ...variables },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let printed = '';
        served.stdout.on('data', (data) => (printed += String(data)));
        const [, address = '', token = ''] = await until('the address of the dashboard', () =>
          Promise.resolve(/(http:\/\/127\.0\.0\.1:\d+)\/#(\S+)/.exec(printed) ?? undefined),
        );
        const look = async (call: object, reason = '') => {
          const answer = await fetch(`${address}/widget`, {
            method: 'POST',
            headers: { origin: address, 'x-odin-token': token, 'content-type': 'application/json' },
            body: JSON.stringify({ call, theme: 'dark', timezone: '+00:00', forms: { reason } }),
          });
          return ((await answer.json()) as { html: string }).html;
        };
        expect(await look({})).toContain('data-halted="0001"');
        const halt = await world.openHalt();
        const skip = { decide: { decision: 'skip', halt: halt?.number } };
        expect(await look(skip, 'not here')).toContain('Recorded: skip on 0001, attempt 1.');
        expect(await world.ended(halt?.waiting[0]?.execution ?? '')).toMatchObject({
          status: 'SUCCEEDED',
        });
        expect(await world.completion('0001')).toMatchObject({
          completion: 'skipped',
          by: expect.stringMatching(/^"arn:aws:.*" \(dashboard on localhost/) as string,
          identity: { is: 'claimed' },
        });
        served.kill('SIGINT');
        expect(await once(served, 'exit')).toEqual([0, null]);
      },
    );

    scenario('cli-started', '--profile names the credentials, the region and the endpoint', async () => {
      const { variables } = enter('cli-started');
      const parent = path.join(PROJECT, '.odin-migrate', 'test');
      mkdirSync(parent, { recursive: true });
      const folder = mkdtempSync(path.join(parent, 'profile-'));
      try {
        const [config, credentials] = [path.join(folder, 'config'), path.join(folder, 'credentials')];
        const {
          AWS_REGION: region,
          AWS_ENDPOINT_URL: url,
          AWS_ACCESS_KEY_ID: id,
          AWS_SECRET_ACCESS_KEY: key,
        } = variables;
        writeFileSync(config, `[profile operator]\nregion = ${region}\nendpoint_url = ${url}\n`);
        writeFileSync(credentials, `[operator]\naws_access_key_id = ${id}\naws_secret_access_key = ${key}\n`);
        const env = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
        for (const args of [
          ['--profile', 'operator', 'status', 'cli-started'],
          ['status', 'cli-started', '--profile', 'operator', '--json'],
        ]) {
          expect(await type(env, ...args)).toMatchObject({ code: 0, stderr: '' });
        }
        const unknown = await type(env, 'status', 'cli-started', '--profile', 'nobody');
        expect(unknown.code).toBe(1);
        expect(unknown.stderr).toMatch(/^(NoCredentials|BadUsage): [^]*--(profile|region)/);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    scenario(
      'cli-works',
      'an environment that is not deployed, or cannot be, is exit code 1 and a sentence',
      async () => {
        const { variables } = enter('cli-works');
        const unknown = await type(variables, 'status', 'nowhere');
        expect(unknown).toMatchObject({ code: 1, stdout: '' });
        expect(unknown.stderr).toMatch(
          /^NotDeployed: nowhere is not deployed where these credentials lead\.\n {2}They lead to account \d{12}, region [\w-]+\. Found there: cli-.*\n {2}Check its name/,
        );
        expect((await type(variables, 'run', 'No_Name')).stderr).toMatch(/^BadEnvironmentName: "No_Name" cannot be/);
      },
    );
  });
}
