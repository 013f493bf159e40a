// The packed tarball, and what is needed to install it as a team does.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_DIRECTORY } from '../../project/package.ts';

/** Builds and packs this package. @returns the tarball's path */
export async function pack(into: string): Promise<string> {
  await promisify(execFile)('npm', ['pack', '--pack-destination', into], { cwd: PACKAGE_DIRECTORY });
  const [file = ''] = readdirSync(into).filter((name) => name.endsWith('.tgz'));
  return path.join(into, file);
}

const { devDependencies } = JSON.parse(readFileSync(path.join(PACKAGE_DIRECTORY, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};
/** At the version of this repository. */
export const ours = (name: string): string => `${name}@${devDependencies[name] ?? 'latest'}`;
export const PEERS = ['aws-cdk-lib', 'constructs', '@aws-sdk/client-s3'].map(ours);
/** The lower ends of `peerDependencies`. */
export const OLDEST_PEERS = ['aws-cdk-lib@2.269.0', 'constructs@10.5.0', '@aws-sdk/client-s3@3.1000.0'];

export const npmInstall = (...packages: string[]): string[] => [
  'npm',
  'install',
  '--save-exact',
  '--loglevel=error',
  ...packages,
];

/** @param files path → text */
export function writeFiles(directory: string, files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) {
    const to = path.join(directory, file);
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
}

/** Without what an npm script of this repository sets: its tools would be found, and its package taken for the project's. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|strict_allow_scripts|allow_scripts))|INIT_CWD|AWS_|CDK_)/.test(
        name,
      ),
  );
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((each) => !each.endsWith('node_modules/.bin'));
  return {
    ...Object.fromEntries(kept),
    PATH: [path.dirname(process.execPath), ...folders].join(path.delimiter),
    npm_config_prefer_offline: 'true',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
    NO_COLOR: '1',
    CI: 'true',
  };
}
