// What is printed of a violation: how to see it again, the shortest schedule that shows it, and what happened in it.
import { shrink } from './shrink.ts';
import type { Options, Schedule } from './simulation.ts';
import { simulate } from './simulation.ts';

export async function reportViolation(schedule: Schedule, options: Options): Promise<string> {
  const shortest = await shrink(schedule, options);
  const { violations, timeline } = await simulate(shortest, { ...options, trace: true });
  const first = violations[0];
  return [
    `Invariant ${first?.invariant} of docs/design.md §7 is violated: ${first?.what}.`,
    `Seed ${schedule.seed}; see the whole of it with: npm run simulate -- --seed ${schedule.seed} --trace`,
    'The shortest schedule found:',
    `  scenario ${JSON.stringify(shortest.scenario)}`,
    ...shortest.faults.map(({ point, kind, size }) => `  at point ${point}: ${kind} (${size.toFixed(3)})`),
    'What happens in it:',
    ...(timeline ?? []).map((line) => `  ${line.slice(0, 400)}`),
    `Stands as a test: ${JSON.stringify(shortest)}`,
  ].join('\n');
}
