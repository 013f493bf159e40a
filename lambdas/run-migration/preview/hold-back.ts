// Makes the process of user code one that changes nothing: installed before the migration's file is evaluated.
import type { LeftOverWork } from '../user-code/left-over.ts';
import type { Holding } from '../user-code/child.ts';
import type { StartPreview } from '../user-code/protocol.ts';
import { installGuard, throughTheGuard } from './guard.ts';
import { packed, unpacked } from './handed-on.ts';
import type { ClientModule } from './recorder.ts';
import { installRecorder } from './recorder.ts';
import { Tally } from './tally.ts';

export type LoadClient = () => Promise<ClientModule>;

export async function holdBack(
  { migration, allows, before }: StartPreview,
  leftOver: LeftOverWork,
  clients: readonly LoadClient[],
): Promise<Holding> {
  const tally = new Tally();
  installGuard(allows, (what, target) => {
    tally.occurrence('refused', what, target);
  });
  const recorder = installRecorder(await Promise.all(clients.map((load) => load())), tally, {
    throughTheGuard,
    asRequest: (text, work) => leftOver.asRequest(text, work),
    before: before === undefined ? undefined : unpacked(before, migration),
  });
  return {
    seen: () => tally.snapshot(),
    handedOn: () => packed(recorder.handOn(), migration),
  };
}
