// The README shows what is there today, says first what somebody wants to know first, and stays short.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { COLOURS, terminalSvg, linesOfSvg, transcript } from '../scripts/first-minute.ts';
import { PROJECT } from './support/project.ts';

const read = (file: string) => readFileSync(path.join(PROJECT, file), 'utf8');

describe('the first minute', () => {
  it('is shown as it is today (npm run pictures draws it anew)', () => {
    const lines = transcript().map((line) => line.replaceAll(COLOURS, ''));
    expect(lines).toContain('■ 0001  halted, attempt 1: it failed');
    expect(lines).toContain('Done: 1 applied.');
    expect(linesOfSvg(read('docs/pictures/first-minute.svg'))).toEqual(lines);
  });

  it('is an image that GitHub shows: it runs nothing and loads nothing', () => {
    const svg = read('docs/pictures/first-minute.svg');
    expect(svg).not.toMatch(/<script|<foreignObject|<image|href|url\(|@import|\bon\w+=/i);
  });

  it('escapes what is not markup, and draws colours within one another', () => {
    const svg = terminalSvg(['a <b> & \u001b[1mbold \u001b[31mred\u001b[39m\u001b[22m end']);
    expect(linesOfSvg(svg)).toEqual(['a <b> & bold red end']);
    expect(svg).toContain('a &lt;b&gt; &amp; <tspan class="c1">bold </tspan><tspan class="c1 c31">red</tspan> end');
  });
});

describe('the README', () => {
  it('says in its first ten lines what it is for, what it costs and when not to take it', () => {
    const first = read('README.md').split('\n').slice(0, 10).join('\n');
    for (const said of [/\*\*For\*\*/, /\*\*It costs\*\* .*dollars a month/, /\*\*Not for\*\*/])
      expect(first).toMatch(said);
  });

  it('says of the costs what docs/performance.md adds up', () => {
    const [, dollars] = /\*\*in all\*\* +\| \*\*(\d+\.\d\d)\*\*/.exec(read('docs/performance.md')) ?? [];
    expect(read('README.md')).toContain(`about ${Math.round(Number(dollars))} dollars a month per environment`);
  });

  it('names what an account needs before the first deployment', () => {
    expect(read('README.md')).toMatch(/cdk bootstrap`[^]*cdk deploy`/);
  });

  it('is two screens long', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(90);
  });

  it.each(['README.md', 'docs/dashboard.md'])(
    '%s: its pictures are there, and the dashboard is in light and in dark',
    (file) => {
      const text = read(file);
      const pictures = [...text.matchAll(/(?:src|srcset)="([^"]+)"|!\[[^\]]*\]\(([^)]+)\)/g)].map(
        ([, one, other]) => one ?? other ?? '',
      );
      expect(pictures.filter((picture) => !existsSync(path.join(PROJECT, path.dirname(file), picture)))).toEqual([]);
      expect(text).toMatch(
        /<source media="\(prefers-color-scheme: dark\)" srcset="[^"]*dashboard-dark\.png" \/>\s*<img src="[^"]*dashboard-light\.png"/,
      );
    },
  );
});
