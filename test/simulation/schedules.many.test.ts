// More schedules than simulation.test.ts has: minutes, so it is in a job of its own (`npm run test:simulation`).
import { expect, it } from 'vitest';
import { expectNoViolation } from './expect.ts';

const FROM = 501;
const TO = 3_000;

it(`no invariant is violated in the schedules from ${FROM} to ${TO}`, async () => {
  const { starts, halts } = await expectNoViolation({ from: FROM, to: TO });
  expect(starts).toBeGreaterThan(2 * (TO - FROM));
  expect(halts).toBeGreaterThan(TO - FROM);
});
