// Writes the README's command-line section from the commands themselves. `npm run docs` writes, `npm run docs:check` fails
// when the section is not what the commands say.
import type { Argument, Command, Option } from 'commander';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as prettier from 'prettier';
import { OdinError } from '../core/errors.ts';
import { createProgram, EXIT_CODES } from './program.ts';

export const BEGIN = '<!-- commands:begin -->';
export const END = '<!-- commands:end -->';

/** The Markdown between the markers. */
export function commandsMarkdown(): string {
  const program = createProgram(() => undefined);
  return [
    'Generated from the commands by `npm run docs`.',
    optionTable('For every command that speaks to AWS', program.options),
    ...program.commands.map(commandMarkdown),
    `Exit codes: ${EXIT_CODES}.`,
    'Colour is for terminals only, and `NO_COLOR` turns it off. `AWS_ENDPOINT_URL` leads every command elsewhere.',
  ].join('\n\n');
}

function commandMarkdown(command: Command): string {
  const { registeredArguments } = command;
  const usage = ['npx odin-migrate', command.name(), ...registeredArguments.map(argumentUsage), '[options]'].join(' ');
  return [
    `### \`${command.name()}\``,
    `\`\`\`\n${usage}\n\`\`\``,
    command.description(),
    ...(registeredArguments.length === 0
      ? []
      : [
          markdownTable(
            ['Argument', 'Meaning'],
            registeredArguments.map((each) => [each.name(), argumentText(each)]),
          ),
        ]),
    optionTable('Option', command.options),
  ].join('\n\n');
}

const argumentUsage = (argument: Argument): string => {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
};

function argumentText(argument: Argument): string {
  const choices = argument.argChoices ? `: ${argument.argChoices.map((choice) => `\`${choice}\``).join(', ')}` : '';
  const fallback = argument.defaultValue === undefined ? '' : ` (default: \`${String(argument.defaultValue)}\`)`;
  return argument.description + choices + fallback;
}

const optionTable = (heading: string, options: readonly Option[]): string =>
  markdownTable(
    [heading, 'Meaning'],
    options.map((option) => [option.flags, option.description + (option.mandatory ? ' (required)' : '')]),
  );

const markdownTable = (headings: readonly string[], rows: readonly (readonly [string, string])[]): string =>
  [
    `| ${headings.join(' | ')} |`,
    '| --- | --- |',
    ...rows.map(([name, text]) => `| \`${name}\` | ${text.replaceAll('|', '\\|')} |`),
  ].join('\n');

/**
 * The page with its section made anew, as Prettier wants it.
 * @throws OdinError BadConfiguration when it has not exactly one pair of markers, in order
 */
export async function withCommands(page: string, file: string): Promise<string> {
  const [before, section, more] = page.split(BEGIN);
  const [, after, evenMore] = section?.split(END) ?? [];
  if (before === undefined || after === undefined || more !== undefined || evenMore !== undefined) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `${file}: expected ${BEGIN} and after it ${END}, once each.`,
      next: 'Put the two markers, on lines of their own, where the commands belong.',
    });
  }
  const options = await prettier.resolveConfig(file);
  return await prettier.format(`${before}${BEGIN}\n\n${commandsMarkdown()}\n\n${END}${after}`, {
    ...options,
    parser: 'markdown',
  });
}

/** README.md if it has the markers, else docs/cli.md. */
export function pageFile(directory: string): string {
  const readme = path.join(directory, 'README.md');
  const hasMarkers = existsSync(readme) && readFileSync(readme, 'utf8').includes(BEGIN);
  return hasMarkers ? readme : path.join(directory, 'docs/cli.md');
}

async function main(args: readonly string[]): Promise<void> {
  const file = pageFile(path.resolve(import.meta.dirname, '..'));
  const name = path.basename(file);
  const page = existsSync(file) ? readFileSync(file, 'utf8') : `# The command line\n\n${BEGIN}\n${END}\n`;
  const current = await withCommands(page, file);
  if (page === current) return;
  if (args.includes('--check')) {
    process.stderr.write(`${name} does not say what the commands say.\n  Type: npm run docs\n`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, current);
  process.stdout.write(`${name} is written.\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
