// Makes the process of user code one that changes nothing: installed before the migration's file is evaluated.
import type { LeftOverWork } from '../user-code/left-over.ts';
import type { Holding } from '../user-code/child.ts';
import type { StartPreview } from '../user-code/protocol.ts';
import { installGuard } from './guard.ts';
import { packed, unpacked } from './handed-on.ts';
import type { ClientModule } from './recorder.ts';
import { installRecorder } from './recorder.ts';
import { Tally } from './tally.ts';
import { openBroker } from './to-broker.ts';

export type LoadClient = () => Promise<ClientModule>;

export async function holdBack(
  { migration, allows, before }: StartPreview,
  leftOver: LeftOverWork,
  clients: readonly LoadClient[],
): Promise<Holding> {
  const tally = new Tally();
  const throughBroker = openBroker();
  await installGuard(allows, (what, target) => {
    tally.occurrence('refused', what, target);
  });
  const recorder = installRecorder(await Promise.all(clients.map((load) => load())), tally, {
    throughBroker,
    asRequest: (text, work) => leftOver.asRequest(text, work),
    before: before === undefined ? undefined : unpacked(before, migration),
  });
  return {
    seen: () => tally.snapshot(),
    handedOn: () => packed(recorder.handOn(), migration),
  };
}
