// What a scenario does and sees: runs, halts, decisions, effects. Everything goes through the AWS SDK.
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from '../../client/deployment.ts';
import { deployedManifest, sendCancel, sendDecision, sendTune } from '../../client/deployment.ts';
import { previewMigration } from '../../client/preview.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { Decision } from '../../core/names/names.ts';
import { migrationFunctionName, systemFunctionName } from '../../core/names/names.ts';
import type { CancelledAnswer, TunedAnswer, DecidedAnswer, DecidePayload } from '../../core/contract/payloads.ts';
import type { CheckpointRecord } from '../../core/ledger/checkpoints.ts';
import { readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Entry, Halted } from '../../core/ledger/entries.ts';
import { examineLedger, isWrong } from '../../core/ledger/examine.ts';
import type { CompletionState, Numbered } from '../../core/ledger/fold.ts';
import { claimKey } from '../../core/ledger/keys.ts';
import type { Outcome } from '../../core/ledger/turns.ts';
import { DEADLINE_MARGIN_MS, lookAtTurn, readClaim } from '../../core/ledger/turns.ts';
import type { Waiter } from '../../core/ledger/waiters.ts';
import { readWaiters } from '../../core/ledger/waiters.ts';
import type { Files, Notification, Platform } from './platform.ts';
import { DATA_BUCKET } from './platform.ts';

/** Long enough for the slowest place on a busy machine; only a failing scenario waits so long. */
const PATIENCE_MS = 300_000;

export interface Ended {
  status: string;
  error: string;
  cause: string;
  output: string;
}

/** The entry of a halt, and those who wait, or waited, in it. */
export type Waited = Numbered<Halted> & { waiting: Waiter[] };

export class World {
  readonly platform: Platform;
  readonly environment: string;
  #deployment: Deployment;

  constructor(platform: Platform, environment: string, deployment: Deployment) {
    this.platform = platform;
    this.environment = environment;
    this.#deployment = deployment;
  }

  get deployment(): Deployment {
    return this.#deployment;
  }

  /** @param allowRemoved whose functions may be removed although they may be needed */
  async redeploy(files: Files, allowRemoved?: string): Promise<void> {
    const deployments = await this.platform.deploy([{ environment: this.environment, files, allowRemoved }]);
    this.#deployment = deployments.get(this.environment) ?? this.#deployment;
  }

  /** @returns the execution's ARN */
  async start(input: object = {}): Promise<string> {
    const { stateMachineArn, sfn } = this.#deployment;
    const { executionArn = '' } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }),
    );
    return executionArn;
  }

  async stop(executionArn: string): Promise<void> {
    await this.#deployment.sfn.send(new StopExecutionCommand({ executionArn }));
  }

  async describe(executionArn: string): Promise<Ended> {
    const found = await this.#deployment.sfn.send(new DescribeExecutionCommand({ executionArn }));
    const { status = '', error = '', cause = '', output = '' } = found;
    return { status, error, cause, output };
  }

  ended(executionArn: string): Promise<Ended> {
    return until(`the end of ${executionArn}`, async () => {
      const now = await this.describe(executionArn);
      return now.status === 'RUNNING' ? undefined : now;
    });
  }

  async runToEnd(input: object = {}): Promise<Ended> {
    return this.ended(await this.start(input));
  }

  /** The halt of a migration that is open, as soon as `executionArn` waits in it. */
  halted(migration: string, executionArn: string): Promise<Waited> {
    return until(`${migration} to be halted in ${executionArn}`, async () => {
      const halt = await this.openHalt();
      const waits = halt?.waiting.some(({ execution }) => execution === executionArn);
      return waits && halt?.migration === migration ? halt : undefined;
    });
  }

  /** The halt that waits for a decision; undefined when none does. */
  async openHalt(): Promise<Waited | undefined> {
    const { log, store } = this.#deployment.ledger;
    const { halted, decided } = (await log.look()).turn?.halt ?? {};
    return halted && !decided ? { ...halted, waiting: await readWaiters(store, halted.number) } : undefined;
  }

  decide(
    decision: Decision,
    by = 'alice',
    reason?: string,
    named: Pick<DecidePayload, 'begin' | 'halt'> = {},
  ): Promise<DecidedAnswer> {
    return sendDecision(this.#deployment, { ask: 'decide', decision, by, reason, ...named });
  }

  cancel(by = 'alice', reason?: string): Promise<CancelledAnswer> {
    return sendCancel(this.#deployment, { ask: 'cancel', by, reason });
  }

  tune(concurrency: number): Promise<TunedAnswer> {
    return sendTune(this.#deployment, { ask: 'tune', concurrency, by: 'alice' });
  }

  /** How often the user code of a migration was started. */
  async effects(migration: string): Promise<number> {
    return (await this.objects(`effects/${this.environment}/${migration}/`)).length;
  }

  async objects(Prefix: string): Promise<string[]> {
    const { Contents = [] } = await this.#deployment.s3.send(new ListObjectsV2Command({ Bucket: DATA_BUCKET, Prefix }));
    return Contents.map(({ Key = '' }) => Key);
  }

  effectsAppear(migration: string, count: number): Promise<true> {
    return until(`${count} effects of ${migration}`, async () => {
      if ((await this.effects(migration)) >= count) return true;
      const halt = await this.openHalt();
      // Nothing more happens before somebody decides.
      if (halt) throw new Error(`Waited for ${count} effects of ${migration}, and it halted: ${JSON.stringify(halt)}`);
      return undefined;
    });
  }

  /** `{ '0001': 'applied', … }`, as the log says. */
  async completions(): Promise<Record<string, string>> {
    const { migrations } = await this.#deployment.ledger.log.look();
    const completed = Object.entries(migrations).flatMap(([id, { completion }]) =>
      completion ? [[id, completion.completion] as const] : [],
    );
    return Object.fromEntries(completed.sort());
  }

  async completion(migration: string): Promise<CompletionState | undefined> {
    return (await this.#deployment.ledger.log.look()).migrations[migration]?.completion;
  }

  async attempts(migration: string): Promise<number> {
    return (await this.#deployment.ledger.log.look()).migrations[migration]?.attempts ?? 0;
  }

  /** The entries of one kind, in the order of the log. */
  async entries<K extends Entry['kind']>(kind: K): Promise<Numbered<Extract<Entry, { kind: K }>>[]> {
    const entries = await this.#deployment.ledger.log.entries();
    return entries.filter((entry): entry is Numbered<Extract<Entry, { kind: K }>> => entry.kind === kind);
  }

  /** The last turn that was allowed for an attempt; undefined while there is none. */
  async turn(migration: string, attempt = 1): Promise<Numbered<Allowed> | undefined> {
    const turns = await this.entries('allowed');
    return turns.findLast((turn) => turn.migration === migration && turn.attempt === attempt);
  }

  /** When the last turn of an attempt was claimed, and until when its code may run after that: epoch milliseconds, of the store. */
  async claimed(migration: string, attempt = 1): Promise<{ at: number; deadline: number } | undefined> {
    const { store } = this.#deployment.ledger;
    const turn = await this.turn(migration, attempt);
    const stored = turn && (await store.get(claimKey(turn)));
    if (!stored || (await readClaim(store, turn))?.claim !== 'claimed') return undefined;
    return { at: stored.modified, deadline: stored.modified + turn.timeoutMs + DEADLINE_MARGIN_MS };
  }

  /** What became of the last turn of an attempt; undefined while it has no outcome that can be read. */
  async outcome(migration: string, attempt = 1): Promise<Outcome | undefined> {
    const { log, store } = this.#deployment.ledger;
    const turn = await this.turn(migration, attempt);
    const look = turn && (await lookAtTurn(store, turn, log.lookedAt));
    return look?.seen === 'closed' ? look.outcome : undefined;
  }

  /** What stands under a key of the ledger. */
  async inLedger(key: string): Promise<string | undefined> {
    return (await this.#deployment.ledger.store.get(key))?.body;
  }

  async checkpoint(migration: string): Promise<CheckpointRecord | undefined> {
    return (await readCheckpoint(this.#deployment.ledger.store, migration))?.checkpoint;
  }

  /** What the dashboard's function answers to this event of the console. */
  async widget(event: object): Promise<string> {
    const answer = await this.#deployment.lambda.send(
      new InvokeCommand({
        FunctionName: systemFunctionName({ environment: this.environment }, 'dashboard'),
        Payload: JSON.stringify(event),
      }),
    );
    return String(JSON.parse(answer.Payload?.transformToString() ?? ''));
  }

  /** Invokes a migration's function directly, as a curious person would. */
  async invokeByHand(migration: string, payload: unknown): Promise<{ error: boolean; text: string }> {
    const answer = await this.#deployment.lambda.send(
      new InvokeCommand({
        FunctionName: migrationFunctionName({ environment: this.environment }, migration),
        Payload: JSON.stringify(payload),
      }),
    );
    return { error: answer.FunctionError !== undefined, text: answer.Payload?.transformToString() ?? '' };
  }

  /** What the command line gets of a preview. */
  async preview(migration: string, limitSeconds?: number): Promise<Previewed> {
    const { migrations } = await deployedManifest(this.#deployment);
    const entry = migrations.find(({ id }) => id === migration);
    if (!entry) throw new Error(`${migration} is not deployed`);
    return previewMigration(this.#deployment, entry, limitSeconds);
  }

  /** Key, content and time of change of every object of the ledger, and of this environment's in the data bucket. */
  async everything(): Promise<string[]> {
    const { s3, ledgerBucket } = this.#deployment;
    const found: string[] = [];
    for (const Bucket of [ledgerBucket, DATA_BUCKET]) {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket })) {
        for (const { Key = '', ETag, LastModified } of Contents) {
          if (Bucket === ledgerBucket || Key.includes(`/${this.environment}/`)) {
            found.push(`${Bucket}/${Key} ${ETag} ${LastModified?.toISOString()}`);
          }
        }
      }
    }
    return found;
  }

  /** What is wrong with the ledger as a whole: `unreadable-entry log/00000001.json`. */
  async wrong(): Promise<string[]> {
    const { ledger, identity } = this.#deployment;
    const { findings } = await examineLedger(ledger, identity);
    return findings.filter(isWrong).map(({ finding, key }) => `${finding} ${key}`);
  }

  /** Of halts, and of their end. Where EventBridge tells how executions end, the operators hear of those that end badly too. */
  notified(count: number): Promise<Notification[]> {
    return until(`${count} notifications`, async () => {
      const sent = await this.platform.notifications(this.environment);
      const ofHalts = sent.filter(({ message }) => !message.includes('ended badly'));
      return ofHalts.length >= count ? ofHalts : undefined;
    });
  }
}

/** Many scenarios look at once, and each look is a request that others wait behind. */
const LOOK_EVERY_MS = 300;

/** Polls for what happens in other processes; fails, saying what it waited for, when that does not happen. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`Waited ${PATIENCE_MS / 1000} s for ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
