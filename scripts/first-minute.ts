// What somebody sees who practises a halt on their own machine: typed in a project of its own, and drawn as the terminal shows it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PROGRAM } from '../core/text/command.ts';

const PROJECT = path.resolve(import.meta.dirname, '..');
const COMMANDS = ['local odin-dev --fail 0001', 'resume odin-dev retry --local'];

/** Lines with the terminal's colours. What differs each time (how long it took, who typed it) is the same in them. */
export function transcript(): string[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-first-minute-'));
  try {
    writeFileSync(path.join(directory, 'package.json'), JSON.stringify({ name: 'shop', type: 'module' }));
    mkdirSync(path.join(directory, 'node_modules'));
    symlinkSync(PROJECT, path.join(directory, 'node_modules', 'odin-migrate'));
    typedIn(directory, 'init odin-dev');
    return COMMANDS.flatMap((command, index) => [
      ...(index > 0 ? [''] : []),
      `\u001b[32m$\u001b[39m \u001b[1m${PROGRAM} ${command}\u001b[22m`,
      ...typedIn(directory, command).trimEnd().split('\n'),
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function typedIn(directory: string, command: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(PROJECT, 'cli', 'odin-migrate.js'), ...command.split(' ')],
    {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: '1', NO_COLOR: '' },
    },
  );
  // The practised halt is 2. Whatever else fails has said why, and is no picture.
  assert(status === 0 || status === 2, `${command} ended with ${status}: ${stderr}`);
  return stdout.replaceAll(/\d+\.\d s\b/g, '0.4 s').replaceAll(/local:[\w.@+-]+/g, 'local:you');
}

const FONT = 13;
const LINE = 20;
/** Of a monospaced font, in parts of its size. */
const CHARACTER = 0.61;
const MARGIN = 20;

/** An image that GitHub shows: no script, nothing from elsewhere. */
export function terminalSvg(lines: readonly string[]): string {
  const columns = Math.max(...lines.map((line) => line.replaceAll(COLOURS, '').length));
  const width = Math.ceil(columns * FONT * CHARACTER + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const texts = lines.map(
    (line, index) =>
      `<text x="${MARGIN}" y="${MARGIN + (index + 1) * LINE - 6}" xml:space="preserve">${spans(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<style>
text{font:${FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d7dee6}
.c1{font-weight:700;fill:#fff}.c2{fill:#93a1b0}.c31{fill:#ff8272}.c32{fill:#5bd197}.c33{fill:#f2b04e}.c36{fill:#6cc7e8}
</style>
<rect width="${width}" height="${height}" rx="10" fill="#101820"/>
${texts.join('\n')}
</svg>
`;
}

/** The lines of such an image, without their colours. */
export const linesOfSvg = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, inner = '']) =>
    inner
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  );

/** What the paints of cli/terminal/output.ts begin and end with. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
export const COLOURS = /\u001b\[(\d+)m/g;

function spans(line: string): string {
  const classes = new Set<string>();
  const [first = '', ...pieces] = line.split(COLOURS);
  let drawn = escaped(first);
  for (let at = 0; at < pieces.length; at += 2) {
    const code = pieces[at] ?? '';
    if (code === '22') for (const each of ['1', '2']) classes.delete(each);
    else if (code === '39') for (const each of ['31', '32', '33', '36']) classes.delete(each);
    else classes.add(code);
    const text = escaped(pieces[at + 1] ?? '');
    const names = [...classes].map((each) => `c${each}`).join(' ');
    drawn += names === '' || text === '' ? text : `<tspan class="${names}">${text}</tspan>`;
  }
  return drawn;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
