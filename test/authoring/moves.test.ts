// Some hundred objects are moved by a mover that dies again and again: a small form of moves.many.test.ts.
import { expect, it } from 'vitest';
import { playMoves } from './moves.ts';

it.each([1, 2])('no byte and no header is lost, whoever writes and whenever the mover dies (seed %i)', async (seed) => {
  const { objects, deaths, checkpoints, writes, moved, left } = await playMoves(seed, 120);
  expect(deaths).toBeGreaterThan(5);
  expect(checkpoints).toBeGreaterThan(10);
  expect(writes).toBeGreaterThan(5);
  expect(left).toBeGreaterThan(5);
  expect(moved).toBeGreaterThan(objects / 2);
});
