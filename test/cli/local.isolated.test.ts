// `local`, in this process, in a project of its own.
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { local } from '../../cli/commands/local.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import { temporaryProject } from '../support/project.ts';

const OK = 'export async function migration(): Promise<void> {}\n';
const project = temporaryProject({ 'migrations/late/0002.ts': OK }, { sources: true });
afterAll(() => {
  project.remove();
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function typed(options: Parameters<typeof local>[2] = {}) {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const code = await local(project, 'late', options, {});
  write.mockRestore();
  return { code, printed: printed.join('') };
}

it('refuses a late lower number with the command that runs it here, which then does', async () => {
  expect((await typed()).code).toBe(EXIT.done);
  project.write('migrations/late/0001.ts', OK);
  const refused = await typed();
  expect(refused.code).toBe(EXIT.refused);
  expect(refused.printed).toContain('migrations/late/0001.ts is pending, but 0002 was run before');
  expect(refused.printed).toContain('type "npx odin-migrate local late --allow-out-of-order"');
  const allowed = await typed({ allowOutOfOrder: true });
  expect(allowed.code).toBe(EXIT.done);
  expect(allowed.printed).toContain('Done: 1 applied.');
});
