// Which name a misspelt one may be meant for: of an export, which nothing reads and nobody would see, and of what IAM has.

/** How the exports are usually misspelt: `timeout`, `memoryMb`, `permission`, `env`, `ephemeralStorage`. */
const STEMS: [RegExp, string][] = [
  [/^desc/i, 'description'],
  [/^permission/i, 'permissions'],
  [/^timeout/i, 'timeoutMinutes'],
  [/^memory/i, 'memoryMB'],
  [/^(variable|env(ironment)?$)/i, 'variables'],
  [/^access/i, 'access'],
  [/^previewallow/i, 'previewAllows'],
  [/^(ephemeral|storage(MB|GB|Size)?$|(disk|tmp)(MB|GB|Size)$)/i, 'ephemeralStorageMB'],
  [/^(arch(itecture)?s?$|cpu)/i, 'architecture'],
  [/^layer(s|Arns?|Versions?)?$/i, 'layers'],
  [/^(parallel|(max|reserved)?concurren|itemsPer|batchSize|toleratedFail)/i, 'parallel'],
];

/** What looks like a setting of a function or of a migration, and is none of a file's: where it is said instead. */
const ELSEWHERE: [RegExp, string][] = [
  [/^(vpc|subnet|securityGroup)/i, 'an environment has one VPC for all its migrations (vpc, in docs/construct.md)'],
  [/^runtime$/i, 'an environment has one for all its functions (runtime, in docs/configuration.md)'],
  [/^(tracing|xray)$/i, 'an environment has one for all its functions (tracing, in docs/configuration.md)'],
  [/^logRetention/i, 'an environment has one for all its logs (logRetentionDays, in docs/configuration.md)'],
  [
    /^(iam)?(role|polic(y|ies)|statements?|managedPolic(y|ies))(Arns?|Name)?$/i,
    'what a migration may do is said by permissions and access',
  ],
  [
    /^(retr(y|ies)|(max(imum)?)?(retry)?attempts|backoff)/i,
    'nothing is tried again unasked: a failure halts, and an operator decides',
  ],
  [/^(dependsOn|dependencies|order|runAfter|runBefore)$/i, 'migrations run in the order of their numbers'],
  [
    /^(enabled|disabled|skip|only|environments?Only|when|condition)$/i,
    'a file runs where it lies: what is not to run lies in no environment, or looks at process.env in migration()',
  ],
  [/^(schedule|cron|runAt|startAt)$/i, 'a run is what somebody starts: a migration runs once, when its turn comes'],
  [/^(dryRun|preview)$/i, 'a preview holds every write back by itself (odin-migrate preview)'],
  [
    /^(transaction(al)?|lock|isolationLevel)$/i,
    'a migration runs alone in its environment, and opens transactions itself',
  ],
  [
    /^(efs|fileSystems?)$/i,
    'what a migration keeps lies in S3, or below os.tmpdir() while its function lives (ephemeralStorageMB)',
  ],
  [/^(dead)?letterQueue|^dlq$/i, 'a failure halts, and the operators are told'],
  [/^(handler|functionName|region|account)$/i, 'odin-migrate says it'],
];

/** Functions that other tools call. */
const OF_OTHERS = /^(up|down|rollback|revert|undo|before(All|Each)?|after(All|Each)?|on(Error|Failure|Success))$/;

/** Names of functions that are read. */
const FUNCTIONS = ['migration', 'plan', 'permissions'];

/**
 * On an export that nothing reads: an end of a sentence that begins with the file's name; none if it is no name of a setting.
 * @param fields the names that there are
 */
export function remarkOnExport(
  { name, isFunction }: { name: string; isFunction: boolean },
  fields: readonly string[],
): string[] {
  const found = `exports ${name}, which nothing reads`;
  if (isFunction) {
    if (OF_OTHERS.test(name))
      return [`${found}: migration() alone is called, and there is no way back but another migration.`];
    const meant = nearName(name, FUNCTIONS);
    return meant === undefined ? [] : [`${found}: is ${meant} meant?`];
  }
  const [, elsewhere] = ELSEWHERE.find(([stem]) => stem.test(name)) ?? [];
  if (elsewhere !== undefined) return [`${found}: ${elsewhere}.`];
  const [, meant = nearName(name, fields)] = STEMS.find(([stem]) => stem.test(name)) ?? [];
  return meant === undefined ? [] : [`${found}: is ${meant} meant?`];
}

/** One that differs in a letter, or in two when it is long. */
export const nearName = (name: string, names: readonly string[]): string | undefined =>
  names.find((each) => distance(name.toLowerCase(), each.toLowerCase()) <= (each.length < 8 ? 1 : 2));

/** How many letters have to be added, left out, changed, or changed places with the next one. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, n) => n)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      const turned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (last[j - 1] ?? 0) + (same ? 0 : 1),
          turned ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
