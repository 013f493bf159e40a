// Writes what is said in the code already: the commands with every option in docs/cli.md; the fields of odin-migrate.json, as a table in docs/configuration.md and as the JSON Schema that editors read.
// `npm run docs` writes them, `npm run docs:check` fails when one is not what the code says.
import type { Argument, Command, Option } from 'commander';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as prettier from 'prettier';
import { OdinError } from '../core/errors.ts';
import { PROGRAM } from '../core/text/command.ts';
import { configurationSchema } from '../project/configuration.ts';
import { createProgram, EXIT_CODES } from '../cli/program.ts';

export const BEGIN = '<!-- generated:begin -->';
export const END = '<!-- generated:end -->';
export const SCHEMA_FILE = 'odin-migrate.schema.json';

/** Between the markers of docs/cli.md: everything. */
export function commandsMarkdown(): string {
  const program = createProgram(() => undefined);
  return [
    'Generated from the commands by `npm run docs`.',
    markdownTable(
      ['Command', 'Does'],
      program.commands.map((command) => [usageOf(command), command.summary()]),
    ),
    optionTable('For every command that reaches AWS', program.options),
    ...program.commands.map(commandMarkdown),
    `Exit codes: ${EXIT_CODES}.`,
    'Colour is for terminals only: not with `NO_COLOR`, not with `TERM=dumb`, and elsewhere too with `FORCE_COLOR`. What is busy turns a spinner where lines can be drawn over: not in a pipe, in a CI, or on a terminal of 0 columns. What a CI service would take for a command to itself is told apart: `: :error::`, `# #vso[`, and in JSON `\\u0023#vso[`. `AWS_ENDPOINT_URL` leads every command elsewhere, and `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count as they do for `cdk` (with Node.js 22.21 or 24.5 and later).',
  ].join('\n\n');
}

/** The generated pages, relative to the project, and what stands between their markers. */
export const PAGES: readonly (readonly [string, () => string])[] = [
  ['docs/cli.md', commandsMarkdown],
  ['docs/configuration.md', fieldsMarkdown],
];

/** As much of a JSON Schema as the configuration's has. */
interface Schema {
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
}

/** Between the markers of docs/configuration.md: every field, those of an environment under its own name. */
function fieldsMarkdown(): string {
  const rows = (schema: Schema, prefix: string): (readonly [string, string, string])[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
      const path = `${prefix}${name}`;
      const inner =
        name === 'environments'
          ? rows(field.additionalProperties as Schema, `${path}.<name>.`)
          : rows(field, `${path}.`);
      const fallback = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
      const own = inner.length > 0 || name === '$schema' ? [] : [[path, field.description ?? '', fallback] as const];
      return [...own, ...inner];
    });
  return [
    '| Field | Meaning | Default |',
    '| --- | --- | --- |',
    ...rows(configurationSchema() as Schema, '').map(
      ([name, meaning, fallback]) => `| \`${name}\` | ${meaning} | ${fallback} |`,
    ),
  ].join('\n');
}

export const schemaText = (): Promise<string> =>
  prettier.format(JSON.stringify(configurationSchema()), { parser: 'json', printWidth: 120 });

function commandMarkdown(command: Command): string {
  const { registeredArguments } = command;
  return [
    `### \`${command.name()}\``,
    `\`\`\`\n${PROGRAM} ${usageOf(command)} [options]\n\`\`\``,
    command.description(),
    ...(registeredArguments.length === 0
      ? []
      : [
          markdownTable(
            ['Argument', 'Meaning'],
            registeredArguments.map((each) => [each.name(), argumentText(each)]),
          ),
        ]),
    ...(command.options.length === 0 ? [] : [optionTable('Option', command.options)]),
  ].join('\n\n');
}

const usageOf = (command: Command): string =>
  [command.name(), ...command.registeredArguments.map(argumentUsage)].join(' ');

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
export async function withGenerated(page: string, file: string, generated: string): Promise<string> {
  const [before, section, more] = page.split(BEGIN);
  const [, after, evenMore] = section?.split(END) ?? [];
  if (before === undefined || after === undefined || more !== undefined || evenMore !== undefined) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `${file}: expected ${BEGIN} and after it ${END}, once each.`,
      next: 'Put the two markers, on lines of their own, where it belongs.',
    });
  }
  const options = await prettier.resolveConfig(file);
  return await prettier.format(`${before}${BEGIN}\n\n${generated}\n\n${END}${after}`, {
    ...options,
    parser: 'markdown',
  });
}

async function main(args: readonly string[]): Promise<void> {
  const directory = path.resolve(import.meta.dirname, '..');
  for (const [name, generated] of PAGES) {
    const file = path.join(directory, name);
    const page = readFileSync(file, 'utf8');
    write(name, page, await withGenerated(page, file, generated()));
  }
  const schema = path.join(directory, SCHEMA_FILE);
  write(SCHEMA_FILE, existsSync(schema) ? readFileSync(schema, 'utf8') : '', await schemaText());

  function write(name: string, before: string, now: string): void {
    if (before === now) return;
    if (args.includes('--check')) {
      process.stderr.write(`${name} does not say what the code says.\n  Type: npm run docs\n`);
      process.exitCode = 1;
      return;
    }
    writeFileSync(path.join(directory, name), now);
    process.stdout.write(`${name} is written.\n`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
