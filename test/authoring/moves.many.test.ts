// 20,000 objects, and many small worlds: minutes, so it is in a job of its own (`npm run test:simulation`).
import { expect, it } from 'vitest';
import { playMoves } from './moves.ts';

it('a move of 20,000 objects loses not one byte or header', async () => {
  const { deaths, writes, moved, left } = await playMoves(20_000, 20_000);
  expect(deaths).toBeGreaterThan(10);
  expect(writes).toBeGreaterThan(500);
  expect(left).toBeGreaterThan(500);
  expect(moved).toBeGreaterThan(10_000);
});

it('nor do 40 moves of 300, each of another seed', async () => {
  for (let seed = 100; seed < 140; seed += 1) await playMoves(seed, 300);
});
