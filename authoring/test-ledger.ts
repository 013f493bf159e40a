// The ledger of a test: what the run and an operator who says `retry` would append, without waiting for deadlines.
import { randomUUID } from 'node:crypto';
import type { Manifest, ManifestEntry } from '../core/contract/manifest.ts';
import type { Ledger } from '../core/ledger/ledger.ts';
import type { Allowed } from '../core/ledger/entries.ts';
import { APPENDED_BY } from '../core/ledger/entries.ts';
import type { LogState, Numbered, TurnState } from '../core/ledger/fold.ts';
import { entryKey } from '../core/ledger/keys.ts';
import { nextBatches, outcomeOfOver } from '../core/ledger/parallel.ts';
import type { EntryContent, LogWriter } from '../core/ledger/log.ts';
import type { Outcome, TurnLook } from '../core/ledger/turns.ts';
import { lookAtTurn, takeClaim, takeOutcome } from '../core/ledger/turns.ts';
import { VERSION } from '../core/names/version.ts';

export type TestTurn = Numbered<Allowed>;

export const TEST_EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:test:test';

export class TestLedger {
  readonly #ledger: Ledger;
  readonly #manifest: Manifest;

  constructor(ledger: Ledger, manifest: Manifest) {
    this.#ledger = ledger;
    this.#manifest = manifest;
  }

  async isCompleted(id: string): Promise<boolean> {
    return (await this.#ledger.log.look()).migrations[id]?.completion !== undefined;
  }

  /** The first turn of the next attempt, with all migrations before this one taken as done. */
  async nextAttempt(entry: ManifestEntry): Promise<TestTurn> {
    const { turn } = await this.#ledger.log.look();
    if (turn && turn.allowed.migration !== entry.id) await this.#complete([turn.allowed.migration], 'skipped', turn);
    const { migrations } = await this.#ledger.log.look();
    const before = this.#manifest.migrations
      .map(({ id }) => id)
      .filter((id) => id < entry.id && !migrations[id]?.completion);
    if (turn?.allowed.migration === entry.id) return await this.#retry(turn, entry);
    if (before.length > 0) await this.#complete(before, 'baseline');
    return await this.#allow(entry, { attempt: 1, slice: 1, begin: 'start', restsOn: {} });
  }

  /** The turn of the next slice, after one that stopped at a checkpoint. */
  async nextSlice(turn: TestTurn, entry: ManifestEntry): Promise<TestTurn> {
    const look = await this.#look(turn);
    const reference = look.seen === 'closed' ? look.reference : undefined;
    const { attempt, slice } = turn;
    return await this.#allow(entry, { attempt, slice: slice + 1, begin: 'checkpoint', restsOn: { turn: reference } });
  }

  /** Of a turn whose batches have all been asked for. */
  async closeBatches(turn: TestTurn): Promise<Pick<Outcome, 'outcome' | 'error'>> {
    const { store } = this.#ledger;
    await takeClaim(store, turn, WRITERS('list-pending'), { claim: 'void' });
    const outcome = await outcomeOfOver(store, turn, await this.#look(turn), WRITERS('list-pending'));
    await takeOutcome(store, turn, WRITERS('list-pending'), outcome);
    return outcome;
  }

  /** Undefined when its code has not said how it ended. */
  async outcomeOf(turn: TestTurn): Promise<Outcome | undefined> {
    const look = await this.#look(turn);
    return look.seen === 'closed' ? look.outcome : undefined;
  }

  async #retry(turn: TurnState, entry: ManifestEntry): Promise<TestTurn> {
    const { migration, attempt, number } = turn.allowed;
    await this.#close(turn.allowed);
    const halted: EntryContent = {
      kind: 'halted',
      migration,
      attempt,
      turn: number,
      run: turn.allowed.run,
      reason: 'failed',
    };
    const { state } = await this.#append(halted);
    const begin = 'checkpoint';
    const { entry: decided } = await this.#append({
      kind: 'decided',
      decision: 'retry',
      migration,
      attempt,
      of: state.number,
      by: 'test',
      retry: { codeSha256: entry.codeSha256, begin },
    });
    const decision = decided && { key: entryKey(decided.number), sha256: decided.sha256 };
    return await this.#allow(entry, { attempt: attempt + 1, slice: 1, begin, restsOn: { decision } });
  }

  /** Nobody waits for the deadline of a process that is known to be gone. */
  async #close(turn: TestTurn): Promise<void> {
    const error = { name: 'Crashed', message: 'The test ended its process.' };
    await takeOutcome(this.#ledger.store, turn, WRITERS('list-pending'), { outcome: 'failed', error });
  }

  async #complete(ids: string[], completion: 'skipped' | 'baseline', open?: TurnState): Promise<void> {
    if (open) await this.#close(open.allowed);
    await this.#append({ kind: 'completed', ids, completion });
  }

  async #allow(
    { id, sourceSha256, codeSha256, timeoutSeconds, parallel }: ManifestEntry,
    turn: Pick<Allowed, 'attempt' | 'slice' | 'begin' | 'restsOn'>,
  ): Promise<TestTurn> {
    const { store, log } = this.#ledger;
    const goesOn = parallel !== undefined && turn.begin === 'checkpoint';
    const batches = goesOn
      ? await nextBatches(store, { migration: id, ...turn }, await log.look(), parallel.toleratedFailures)
      : undefined;
    const { state } = await this.#append({
      kind: 'allowed',
      migration: id,
      ...turn,
      run: 'test',
      execution: TEST_EXECUTION,
      sourceSha256,
      codeSha256,
      timeoutMs: timeoutSeconds * 1000,
      batches,
    });
    return allowedIn(state);
  }

  #append(content: EntryContent) {
    const [name = ''] = APPENDED_BY[content.kind];
    return this.#ledger.log.append(WRITERS(name), () => Promise.resolve(content));
  }

  async #look(turn: TestTurn): Promise<TurnLook> {
    return await lookAtTurn(this.#ledger.store, turn, this.#ledger.log.lookedAt);
  }
}

const WRITERS = (name: string): LogWriter => ({
  function: name,
  requestId: 'test',
  version: VERSION,
  now: () => Date.now(),
  nonce: () => randomUUID(),
});

/** The entry that was appended last allows it. */
const allowedIn = ({ turn }: LogState): TestTurn => (turn as TurnState).allowed;
