// Which numbers of an environment were used, by all that can be asked: the files, git, and the ledgers, which know also of files
// that were deleted and of branches that are not here.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { asOdinError } from '../core/errors.ts';
import type { Ledger } from '../core/ledger/ledger.ts';
import { migrationIdOf } from '../core/names/identifiers.ts';
import { COMPLETED_FILE, readCompleted } from '../project/completed.ts';
import { environmentNames, folderOf } from '../project/discover.ts';
import { numbersInGit } from '../project/numbers.ts';
import type { Project } from '../project/project.ts';
import { awsError } from './aws-errors.ts';
import type { ClientOptions } from './client-options.ts';
import type { DeployedPlace } from './deployment.ts';
import { ledgerHere } from './environment.ts';

/** One that was asked. */
export interface Asked {
  asked: 'files' | 'git' | 'ledger on this machine' | 'deployed ledger';
  /** Whether it told all that it knows. */
  complete: boolean;
  /** What it told besides numbers, or why it did not. */
  remark?: string | undefined;
}

export interface UsedNumbers {
  /** Ascending. */
  ids: string[];
  asked: Asked[];
}

interface Answer extends Asked {
  ids: string[];
}

/** @param deployedPlace where an environment is deployed; undefined: that is not asked */
export async function usedNumbers(
  project: Project,
  environment: string,
  deployedPlace?: (environment: string) => DeployedPlace,
): Promise<UsedNumbers> {
  const { directory, configuration } = project;
  const folder = folderOf(directory, configuration, environment);
  // Two environments may share a folder, and so its numbers.
  const sharing = environmentNames(directory, configuration).filter(
    (each) => each === environment || folderOf(directory, configuration, each) === folder,
  );
  const answers = [
    inFiles(path.resolve(directory, folder)),
    inGit(path.resolve(directory, folder)),
    ...(await Promise.all(sharing.map((each) => inLedgerHere(project, each)))),
    ...(await Promise.all(deployedPlace ? sharing.map((each) => inDeployed(each, deployedPlace(each))) : [])),
  ];
  const ids = [...new Set(answers.flatMap((answer) => answer.ids))].sort();
  return { ids, asked: answers.map(({ asked, complete, remark }) => ({ asked, complete, remark })) };
}

function inFiles(folder: string): Answer {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const pruned = readCompleted(folder, path.join(folder, COMPLETED_FILE)).map(({ id }) => id);
  return { asked: 'files', complete: true, ids: [...names.flatMap((name) => migrationIdOf(name) ?? []), ...pruned] };
}

function inGit(folder: string): Answer {
  const { ids, history, problem } = numbersInGit(folder);
  const remark = {
    whole: undefined,
    cut: 'this is a shallow clone, and it does not know what was deleted before its first commit: git fetch --unshallow',
    none: problem ?? 'there is no repository',
  }[history];
  return { asked: 'git', complete: history === 'whole', remark, ids };
}

async function inLedgerHere(project: Project, environment: string): Promise<Answer> {
  const asked = 'ledger on this machine';
  try {
    await using here = ledgerHere(project, environment);
    if (!here.identity) return { asked, complete: true, remark: `${environment} was not run here`, ids: [] };
    return { asked, complete: true, ids: await idsIn(here.ledger) };
  } catch (thrown) {
    return { asked, complete: false, remark: asOdinError(thrown).what, ids: [] };
  }
}

/** Who writes a file does not wait for long for an AWS that does not answer. */
const quick = ({ requestHandler, ...options }: ClientOptions = {}): ClientOptions => ({
  ...options,
  maxAttempts: 1,
  requestHandler: { ...requestHandler, connectionTimeout: 3_000, requestTimeout: 5_000 },
});

async function inDeployed(environment: string, place: DeployedPlace): Promise<Answer> {
  const asked = 'deployed ledger';
  try {
    const { findDeployment } = await import('./deployment.ts');
    const { ledger } = await findDeployment(environment, { ...place, aws: quick(place.aws) });
    return { asked, complete: true, ids: await idsIn(ledger) };
  } catch (thrown) {
    const { code, what } = awsError(thrown) ?? asOdinError(thrown);
    return { asked, complete: code === 'NotDeployed', remark: what, ids: [] };
  }
}

/** Completed, and attempted. */
const idsIn = async ({ log }: Ledger): Promise<string[]> => Object.keys((await log.look()).migrations);
