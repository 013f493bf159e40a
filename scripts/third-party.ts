// The licences of what is built into dist/: npm installs the packages that are dependencies with theirs, and these not at all.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';

export const LICENCES_FILE = 'THIRD-PARTY-LICENCES.txt';

/**
 * @param dist a folder with source maps: they say of whose code a file is made
 * @param inputs what the files are made of that have no map
 * @throws OdinError for a package that names no licence
 */
export function licencesOf(dist: string, inputs: readonly string[]): string {
  const packages = new Set([
    ...packagesIn(dist),
    ...inputs.flatMap((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  ]);
  const byText = new Map<string, string[]>();
  for (const directory of [...packages].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license?: string;
    };
    const text = licenceIn(directory) ?? 'No text of it is in the package.';
    if (license === undefined) {
      throw new OdinError({
        code: 'BadConfiguration',
        source: 'system',
        what: `${name} ${version} is built into dist/, and its package names no licence.`,
        next: 'Make it a dependency, which npm installs as it is, or do without it.',
      });
    }
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  return [
    'What odin-migrate has built into it, with the licences of these packages.\n',
    ...[...byText].map(([text, names]) => `${'='.repeat(80)}\n${names.join('\n')}\n\n${text}\n`),
  ].join('\n');
}

/** The folders of the packages. */
function packagesIn(dist: string): string[] {
  const found = new Set<string>();
  for (const map of readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.map'))) {
    const { sources } = JSON.parse(readFileSync(path.join(dist, map), 'utf8')) as { sources: string[] };
    for (const source of sources) {
      const [directory] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(source) ?? [];
      if (directory === undefined) continue;
      found.add(path.resolve(path.join(dist, path.dirname(map)), directory));
    }
  }
  return [...found];
}

function licenceIn(directory: string): string | undefined {
  const texts = readdirSync(directory)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(path.join(directory, file), 'utf8').trim());
  return texts.length === 0 ? undefined : texts.join('\n\n');
}
