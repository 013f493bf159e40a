// What is deployed, as the records name it.
import { git } from './git.ts';

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
  try {
    const isClean = git(directory, 'status', '--porcelain').trim() === '';
    return git(directory, 'rev-parse', 'HEAD').trim() + (isClean ? '' : '-dirty');
  } catch {
    // No git, or no commit: the records then say nothing of it, unless the CI system does.
    return OF_CI_SYSTEMS.map((name) => process.env[name]).find((commit) => commit !== undefined && commit !== '');
  }
}
