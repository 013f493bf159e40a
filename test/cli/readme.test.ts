// The page on the command line says what the commands say.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BEGIN, commandsMarkdown, END, pageFile, withCommands } from '../../cli/generate-readme.ts';
import { PROJECT } from '../scenarios/platform.ts';

it('is up to date (npm run docs writes it)', async () => {
  const file = pageFile(PROJECT);
  const page = readFileSync(file, 'utf8');
  expect(page).toBe(await withCommands(page, file));
});

it('has every command', () => {
  const markdown = commandsMarkdown();
  for (const name of ['new', 'check', 'local', 'run', 'status', 'history', 'resume', 'baseline']) {
    expect(markdown).toContain(`### \`${name}\``);
  }
});

it('keeps what stands around the markers, and refuses a page without them', async () => {
  const page = await withCommands(`# One\n\n${BEGIN}\nold\n${END}\n\nTwo\n`, 'README.md');
  expect(page.startsWith(`# One\n\n${BEGIN}\n`)).toBe(true);
  expect(page.endsWith(`${END}\n\nTwo\n`)).toBe(true);
  expect(page).not.toContain('old\n');
  await expect(withCommands('# One\n', 'README.md')).rejects.toMatchObject({ code: 'BadConfiguration' });
  await expect(withCommands(`${END}\n${BEGIN}\n`, 'README.md')).rejects.toMatchObject({ code: 'BadConfiguration' });
});
