// What is deployed, as the records name it.
import { execFileSync } from 'node:child_process';

/** In which CI systems say what they build, for a build without git or its folder. */
const OF_CI_SYSTEMS = [
  'GITHUB_SHA',
  'CI_COMMIT_SHA', // GitLab
  'CODEBUILD_RESOLVED_SOURCE_VERSION',
  'BUILD_SOURCEVERSION', // Azure Pipelines
  'BITBUCKET_COMMIT',
  'BUILDKITE_COMMIT',
  'CIRCLE_SHA1',
  'GIT_COMMIT', // Jenkins
];

/** Git's HEAD, marked when the work tree differs from it; else what the CI system says; undefined without both. */
export function commitOf(directory: string): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-dirty');
  } catch {
    // No git, or no commit: the records then say nothing of it, unless the CI system does.
    return OF_CI_SYSTEMS.map((name) => process.env[name]).find((commit) => commit !== undefined && commit !== '');
  }
}
