// What runs in the process of user code, which is started by fork.ts for one turn, and ends with it.
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { AskedOf } from '../../../core/thrown.ts';
import { errorSummary } from '../../../core/ledger/summaries.ts';
import { frameConsole } from './console.ts';
import type { Driven } from './drive.ts';
import { drive } from './drive.ts';
import { LeftOverWork } from './left-over.ts';
import { CHANNEL, MessageReader, written } from './messages.ts';
import type { AnswerMessage, EndMessage, Seen, StartMessage, StartPreview, ToFunction, ToProcess } from './protocol.ts';
import { inLambdasWords } from './read-only.ts';
import type { LoadMigration } from './user-module.ts';
import type { YieldedCheckpoint } from './yielded.ts';

/** Holds every write back. */
export type HoldBack = (preview: StartPreview, leftOver: LeftOverWork) => Promise<Holding>;

export interface Holding {
  /** What it has seen until now. */
  seen: () => Seen;
  /** What was held back until now, for the next preview; undefined when that is too much. */
  handedOn: () => string | undefined;
}

/** So often that little is lost when the process has to be ended. */
const SEEN_MS = 1_000;

/** Waits for the function to say how, runs one turn, says how it ended, and ends. */
export function runUserProcess(load: LoadMigration, holdBack: HoldBack): void {
  printAtOnce();
  const warn = frameConsole();
  const channel = openChannel();
  // Before user code can replace it.
  const exit = process.exit.bind(process);
  const leftOver = new LeftOverWork();
  let holding: Holding | undefined;
  const tellSeen = () => {
    if (holding) channel.send({ type: 'seen', seen: holding.seen() });
  };
  const tellAll = () => {
    tellSeen();
    const handedOn = holding?.handedOn();
    if (handedOn !== undefined) channel.send({ type: 'handed on', handedOn });
    holding = undefined;
  };
  const end = (message: EndMessage) => {
    tellAll();
    channel.send(message);
    exit(0);
  };
  process.on('uncaughtException', (thrown) => {
    end({ type: 'end', outcome: 'crashed', error: errorSummary(inLambdasWords(thrown), leftOver.askedOf) });
  });
  process.on('beforeExit', () => {
    end({ type: 'end', outcome: 'stuck' });
  });

  let answer: ((answer: AnswerMessage['answer']) => void) | undefined;
  const ask = async (checkpoint: YieldedCheckpoint) => {
    channel.send({ type: 'checkpoint', checkpoint });
    channel.holdOpen(true);
    const { promise, resolve } = Promise.withResolvers<AnswerMessage['answer']>();
    answer = resolve;
    const answered = await promise;
    channel.holdOpen(false);
    return answered;
  };
  const begin = async ({ cursor, batch, preview }: StartMessage) => {
    if (preview) {
      holding = await holdBack(preview, leftOver);
      setInterval(tellSeen, SEEN_MS).unref();
      process.on('exit', tellAll);
    }
    channel.holdOpen(false); // a migration that awaits what nothing will settle ends as `stuck`
    leftOver.begin();
    channel.send({ type: 'begins' });
    const ended = await playTurn(load, cursor, { ask, warn, batch, whole: preview !== undefined }, leftOver.askedOf);
    if (ended.outcome === 'finished' || ended.outcome === 'stopped') leftOver.afterReturn(ended.outcome, end);
    else end(ended);
  };
  channel.listen(
    (message) => {
      if (message.type === 'start') void begin(message);
      else answer?.(message.answer);
    },
    () => exit(0), // the function is gone
  );
}

/**
 * User code's side of a turn, whatever carries its messages.
 * @param askedOf what was asked of AWS, for its errors
 */
export async function playTurn(
  load: LoadMigration,
  cursor: unknown,
  driven: Driven,
  askedOf?: AskedOf,
): Promise<EndMessage> {
  try {
    return { type: 'end', outcome: await drive(await load(), cursor, driven) };
  } catch (thrown) {
    return { type: 'end', outcome: 'threw', error: errorSummary(inLambdasWords(thrown), askedOf) };
  }
}

function openChannel() {
  const incoming = new Socket({ fd: CHANNEL.read, readable: true, writable: false });
  incoming.on('error', () => undefined); // closed by user code; its function finds that out
  return {
    // At once: what is said just before an exit has left the process.
    send: (message: ToFunction) => {
      writeFileSync(CHANNEL.write, written(message));
    },
    /** Whether waiting for a message keeps the process alive. */
    holdOpen: (open: boolean) => {
      if (open) incoming.ref();
      else incoming.unref();
    },
    listen: (hear: (message: ToProcess) => void, onClose: () => void) => {
      const reader = new MessageReader((message) => {
        hear(message as ToProcess);
      });
      incoming.on('data', (chunk: Buffer) => {
        reader.write(chunk);
      });
      incoming.on('close', onClose);
    },
  };
}

/** Node.js writes to a pipe when there is time for it, and an exit loses what was left. */
function printAtOnce(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const { _handle: handle } = stream as unknown as { _handle?: { setBlocking?: (blocking: boolean) => void } };
    handle?.setBlocking?.(true);
  }
}
