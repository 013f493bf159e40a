// The page on the command line says what the commands say.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { BEGIN, commandsMarkdown, END, PAGES, withGenerated } from '../../scripts/generate-docs.ts';
import { PROJECT } from '../support/project.ts';

it.each(PAGES)('%s is up to date (npm run docs writes it)', async (name, commands) => {
  const file = path.join(PROJECT, name);
  const page = readFileSync(file, 'utf8');
  expect(page).toBe(await withGenerated(page, file, commands()));
});

it('has every command', () => {
  const markdown = commandsMarkdown();
  for (const name of ['new', 'check', 'local', 'run', 'status', 'history', 'doctor', 'resume', 'baseline']) {
    expect(markdown).toContain(`### \`${name}\``);
    expect(markdown).toMatch(new RegExp(`^\\| \`${name}[ \`]`, 'm'));
  }
});

it('keeps what stands around the markers, and refuses a page without them', async () => {
  const page = await withGenerated(`# One\n\n${BEGIN}\nold\n${END}\n\nTwo\n`, 'page.md', 'new');
  expect(page.startsWith(`# One\n\n${BEGIN}\n`)).toBe(true);
  expect(page.endsWith(`${END}\n\nTwo\n`)).toBe(true);
  expect(page).not.toContain('old\n');
  await expect(withGenerated('# One\n', 'page.md', '')).rejects.toMatchObject({ code: 'BadConfiguration' });
  await expect(withGenerated(`${END}\n${BEGIN}\n`, 'page.md', '')).rejects.toMatchObject({
    code: 'BadConfiguration',
  });
});
