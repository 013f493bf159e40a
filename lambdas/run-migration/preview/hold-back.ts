// Makes the process of user code one that changes nothing: installed before the migration's file is evaluated.
import type { LeftOver } from '../user-code/left-over.ts';
import type { Seen } from '../user-code/protocol.ts';
import { installGuard, throughTheGuard } from './guard.ts';
import type { ClientModule } from './recorder.ts';
import { installRecorder } from './recorder.ts';
import { Tally } from './tally.ts';

export type LoadClient = () => Promise<ClientModule>;

/** @returns what it has seen until now */
export async function holdBack(
  allows: readonly string[],
  leftOver: LeftOver,
  clients: readonly LoadClient[],
): Promise<() => Seen> {
  const tally = new Tally();
  installGuard(allows, (what, target) => {
    tally.occurrence('refused', what, target);
  });
  installRecorder(await Promise.all(clients.map((load) => load())), tally, throughTheGuard, (text, work) =>
    leftOver.asRequest(text, work),
  );
  return () => tally.snapshot();
}
