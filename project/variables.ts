// Which environment variables a migration's code reads, and which of them nobody gives it.
import type { EnvironmentConfiguration } from './configuration.ts';

/**
 * Names that the code reads from `process.env`, ascending. One with a fallback beside it (`?? 'eu'`) is not among them: its author
 * has said that nobody needs to give it. An empty text is no fallback, it is there for the compiler.
 * @param code as esbuild writes it: without comments, in double quotes
 */
export function variablesRead(code: string): string[] {
  const direct = [...code.matchAll(ACCESS)].map(([, dotted, quoted]) => dotted ?? quoted ?? '');
  const destructured = [...code.matchAll(DESTRUCTURING)].flatMap(([, names = '']) =>
    names
      .split(',')
      .filter((name) => !WITH_DEFAULT.test(name))
      .flatMap((name) => /^\s*"?([A-Za-z_]\w*)/.exec(name)?.[1] ?? []),
  );
  return [...new Set([...direct, ...destructured])].sort();
}

/** Bytes of a function's environment variables, all of them together (docs/aws-facts.md). */
export const MAX_VARIABLES = 4096;

/** How many of them odin-migrate's own have, at the most (test/infra/refused.test.ts). */
export const OWN_VARIABLES = 500;

/** As Lambda measures them: as JSON. */
export const sizeOfVariables = (variables: Readonly<Record<string, string>>): number =>
  Buffer.byteLength(JSON.stringify(variables));

/** `process.env.NAME` and `process.env["NAME"]`, but for what is assigned to and what has a fallback. */
const ACCESS =
  /\bprocess\.env(?:\??\.([A-Za-z_]\w*)\b|(?:\?\.)?\["([^"]+)"\])(?!\s*(?:\?\?|\|\|)=?(?!\s*""))(?!\s*=(?!=))/g;
/** `{ NAME, OTHER: other = "a" } = process.env` */
const DESTRUCTURING = /\{([^{}]*)\}\s*=\s*process\.env\b(?!\s*[.[])/g;
const WITH_DEFAULT = /=(?!\s*""\s*$)/;

/** What a file's code reads; project/inspect.ts finds it out. */
interface Reader {
  file: string;
  variables: Record<string, string>;
  reads: readonly string[];
}

/** Each variable that neither the file, nor the environment, nor Lambda gives, with a sentence about it that follows the file's name. */
export function missingVariables(
  migrations: readonly Reader[],
  { variables, local }: EnvironmentConfiguration,
): { file: string; message: string }[] {
  return migrations.flatMap((migration) => {
    const given = new Set([variables, local.variables, migration.variables].flatMap((each) => Object.keys(each)));
    return migration.reads
      .filter((name) => !given.has(name) && !OF_LAMBDA.test(name))
      .map((name) => ({
        file: migration.file,
        message: `reads the variable ${name}, which nobody gives: write it into "variables" of the environment in odin-migrate.json, or into "local.variables" when only a stack knows it.`,
      }));
  });
}

/** What Lambda sets (docs/aws-facts.md), what steers the AWS SDK, and what odin-migrate sets itself: nobody else can give these. */
const OF_LAMBDA =
  /^(AWS_|LAMBDA_|ODIN_|POWERTOOLS_)|^(_HANDLER|_X_AMZN_TRACE_ID|LANG|LD_LIBRARY_PATH|NODE_PATH|PATH|TZ)$/;
