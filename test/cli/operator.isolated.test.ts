// Who acts on this machine: its user, who may have no name.
import { userInfo } from 'node:os';
import { afterEach, expect, it, vi } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { operatorOf } from '../../client/deployment.ts';

vi.mock('node:os', async (original) => ({ ...(await original<object>()), userInfo: vi.fn() }));
afterEach(() => {
  vi.mocked(userInfo).mockReset();
});

const here = { local: true } as Deployment;

it('is named as the machine names them', async () => {
  vi.mocked(userInfo).mockReturnValue({ username: 'alice' } as ReturnType<typeof userInfo>);
  expect(await operatorOf(here)).toBe('local:alice');
});

it('is a number where that has no name, as in a container', async () => {
  vi.mocked(userInfo).mockImplementation(() => {
    throw Object.assign(new Error('no such user'), { code: 'ERR_SYSTEM_ERROR' });
  });
  expect(await operatorOf(here)).toBe(`local:${process.getuid?.() ?? 'unknown'}`);
});
