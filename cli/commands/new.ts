// `odin-migrate new`: writes the next number's file from a template.
import { OdinError } from '../../core/errors.ts';
import { pad } from '../../core/names/names.ts';
import { assertKnownEnvironment, folderOf } from '../../project/discover.ts';
import { NOT_WRITTEN } from '../../project/not-written.ts';
import type { DeployedPlace } from '../../client/deployment.ts';
import type { Asked } from '../../client/numbers.ts';
import { usedNumbers } from '../../client/numbers.ts';
import { typed } from '../terminal/commands.ts';
import { writeProjectFile } from './project-file.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { colour, keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';
import type { Project } from '../../project/project.ts';

export interface NewOptions {
  description?: string;
  checkpointed?: boolean;
  parallel?: boolean;
  json?: boolean;
}

/** @param deployedPlace where an environment is deployed; undefined: its ledger is not asked */
export async function newMigration(
  project: Project,
  environment: string,
  { description, checkpointed = false, parallel = false, json }: NewOptions,
  deployedPlace?: (environment: string) => DeployedPlace,
): Promise<ExitCode> {
  if (json) keepStdoutForJson();
  if (checkpointed && parallel) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: 'Expected --checkpointed or --parallel, found both.',
      next: 'The plan of a parallel migration has checkpoints; its batches have none.',
    });
  }
  assertKnownEnvironment(environment, project.directory, project.configuration);
  const { ids, asked } = await whileBusy('Looking for the next number', () =>
    usedNumbers(project, environment, deployedPlace),
  );
  const { file, id } = writeNext(
    project,
    environment,
    ids,
    description,
    NOT_WRITTEN,
    parallel ? IN_BATCHES : checkpointed ? GENERATOR : PLAIN,
  );
  if (json) printJson({ environment, id, file, asked });
  print(file);
  for (const line of standsOn(id, asked)) print(line);
  print(colour.dim(`Write its work, then: ${typed({ verb: 'check', environment })}`));
  return EXIT.done;
}

/** On what the number stands, and what it does not know. */
function standsOn(id: string, asked: readonly Asked[]): string[] {
  const names = asked.map((each) => each.asked);
  const complete = names.filter((name) => asked.every((each) => each.asked !== name || each.complete));
  return [
    colour.dim(`${id} is above every number of: ${[...new Set(complete)].join(', ')}`),
    ...asked
      .filter((each) => !each.complete)
      .map(({ asked: name, remark = 'unknown' }) => colour.yellow(`Not looked at, ${name}: ${plain(remark)}`)),
  ];
}

const LAST = 9999;

/**
 * @param used every number that is known to have been used
 * @param work the line of migration(); without it it throws
 * @param form what stands around that line
 * @returns the path of the file, relative to the project
 * @throws OdinError BadUsage
 */
export function writeNext(
  { directory, configuration }: Project,
  environment: string,
  used: readonly string[],
  description?: string,
  work = NOT_WRITTEN,
  form: Form = PLAIN,
): { file: string; id: string } {
  if (description !== undefined && (/\p{Cc}/u.test(description) || description.length > 200)) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Expected --description to be one line of at most 200 characters, and no control characters, found ${description.length} characters.`,
    });
  }
  const folder = folderOf(directory, configuration, environment);
  const next = used.reduce((highest, id) => Math.max(highest, Number(id)), 0) + 1;
  if (next > LAST) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `${folder}/ has used its last number, ${LAST}.`,
      next: 'Begin a new environment for what is to come.',
    });
  }
  const id = pad(next, 4);
  const file = `${folder}/${id}.ts`;
  writeProjectFile(directory, file, template(description, form, work), 'wx');
  return { file, id };
}

interface Form {
  /** Of odin-migrate/types, in the order of the alphabet. */
  types: readonly string[];
  code: (work: string) => string;
}

const template = (
  description: string | undefined,
  { types, code }: Form,
  work: string,
): string => `import type { ${types.join(', ')} } from 'odin-migrate/types';

${
  description === undefined
    ? "// export const description = 'One line that operators see';"
    : `export const description = ${quoted(description)};`
}

/** What this migration may do in AWS, besides its own part of the ledger: IAM policy statements. */
export const permissions: Permissions = [
  // { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::my-bucket/my-prefix/*'] },
];

${code(work)}`;

const PLAIN: Form = {
  types: ['Permissions'],
  code: (work) => `/** Runs once, in this environment, and never again. */
export async function migration(): Promise<void> {
  // Work here, and await all of it: what is not awaited may never happen.
  ${work}
}
`,
};

const GENERATOR: Form = {
  types: ['Checkpoint', 'Permissions'],
  code: (work) => `/**
 * Runs once, in this environment, and never again. A retry, and the next quarter of an hour, go on from the last checkpoint.
 * @param resume the cursor of that one
 */
export async function* migration(resume = 0): AsyncGenerator<Checkpoint<number>> {
  const total = 100;
  for (let step = resume; step < total; step += 1) {
    // Work here, and await all of it. After a crash a step may run again: what comes after the last saved checkpoint does.
    ${work}
    yield { cursor: step + 1, done: step + 1, total };
  }
}
`,
};

const IN_BATCHES: Form = {
  types: ['Batch', 'Permissions', 'PlannedItems'],
  code: (work) => `/** So many items are one batch, and so many batches run at the same time. */
export const parallel = { itemsPerBatch: 500, concurrency: 20 };

/**
 * What there is to do, put down before any of it begins. It only looks; a retry, and the next quarter of an hour, go on behind the last
 * items. Of objects in S3: objectsUnder(), inventory() and manifestKeys() of odin-migrate/s3.
 * @param resume the cursor of these
 */
export async function* plan(resume = 0): AsyncGenerator<PlannedItems<string, number>> {
  for (let page = resume; page < 1; page += 1) {
    yield { items: ['an item: any JSON'], cursor: page + 1 };
  }
}

/** One batch of them; many run at the same time. One that has succeeded never runs again. */
export async function migration(items: string[], batch: Batch): Promise<void> {
  console.log(\`batch \${batch.number} of \${batch.of}: \${items.length} items\`);
  // Work here, and await all of it. It may run again: what a batch had done that failed or died is done again by a retry.
  ${work}
}
`,
};

/** As Prettier writes it. */
const quoted = (text: string): string =>
  text.includes("'") ? JSON.stringify(text) : `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')}'`;
