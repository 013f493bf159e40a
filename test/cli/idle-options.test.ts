// Each option of each command does something, or is refused with what to type: alone, and with every other one.
import { expect, it } from 'vitest';
import { refuseIdle } from '../../cli/idle-options.ts';
import { createProgram } from '../../cli/program.ts';
import type { OdinError } from '../../core/errors.ts';

const commands = createProgram(() => undefined).commands.map((command) => ({
  name: command.name(),
  options: command.options.map(({ long }) => long ?? ''),
}));

const refusal = (command: string, given: readonly string[]): OdinError | undefined => {
  try {
    refuseIdle(command, (long) => given.includes(long));
    return undefined;
  } catch (thrown) {
    return thrown as OdinError;
  }
};

it('is the list of what every command takes: whoever adds an option says here when it does nothing, if it may', () => {
  expect(Object.fromEntries(commands.map(({ name, options }) => [name, options.join(' ')]))).toEqual({
    init: '',
    new: '--description --checkpointed --parallel --json',
    check: '--deployed --accept-changed --allow-removed --strict --json',
    local:
      '--fail --crash --timeout --slice-seconds --fresh --again --data --sample --sample-mb --allow-out-of-order --allow-renumbered --accept-changed --json',
    preview: '--limit --local --json',
    run: '--wait --logs --allow-out-of-order --allow-renumbered --accept-changed --json',
    status: '--failures --local --json',
    history: '--local --json',
    logs: '--follow --attempt --since --local --json',
    doctor: '--ledger --local --json',
    resume: '--reason --halt --instead --from-start --keep-checkpoint --yes --wait --logs --local --json',
    cancel: '--reason --local --json',
    tune: '--concurrency --local --json',
    baseline: '--through --pruned --from --reason --yes --local --json',
    prune: '--through --changed --yes --local --json',
    adopt: '--yes',
    'start-over': '--reason --yes',
    destroy: '--yes',
    synth: '',
    dashboard: '--local --port',
  });
});

it('alone, it is refused where it needs another', () => {
  const refused = commands.flatMap(({ name, options }) =>
    options.flatMap((option) => (refusal(name, [option]) ? [`${name} ${option}`] : [])),
  );
  expect(refused).toEqual([
    'check --allow-removed',
    'local --sample',
    'local --sample-mb',
    'run --logs',
    'logs --local',
    'resume --logs',
  ]);
});

it('with another one, it is refused where that leaves it nothing to do', () => {
  const refused = commands.flatMap(({ name, options }) => {
    const pairs = options.flatMap((one, at) => options.slice(at + 1).map((other) => [one, other]));
    const good = pairs.filter((pair) => pair.every((option) => !refusal(name, [option])));
    return good.flatMap((pair) => {
      const error = refusal(name, pair);
      return error ? [`${name} ${pair.join(' ')}: ${error.what}`] : [];
    });
  });
  expect(refused).toEqual([
    'local --fresh --again: --fresh does nothing with --again: that begins on fresh data in any case.',
    'local --again --allow-out-of-order: --allow-out-of-order does nothing with --again: all others count as done there.',
    'local --again --allow-renumbered: --allow-renumbered does nothing with --again: all others count as done there.',
    'local --again --accept-changed: --accept-changed does nothing with --again: all others count as done there.',
    'status --failures --json: --json does nothing with --failures: that is JSON in any case.',
    'logs --follow --attempt: --attempt does nothing with --follow: it is over, or is the newest one.',
    'logs --attempt --since: --attempt does nothing with --since: it is all of that attempt.',
    'resume --wait --local: --wait does nothing with --local: the run goes on in this process, and is followed.',
  ]);
});

it('says what to type', () => {
  for (const { name, options } of commands)
    for (const option of options)
      for (const other of options) {
        const error = refusal(name, [option, other]);
        if (error) expect(error.next).toMatch(/^(Add|Leave) .*--/);
      }
});
