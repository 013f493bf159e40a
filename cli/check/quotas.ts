// What the account has no room for: young ones have less of everything (docs/aws-facts.md), and a deployment would find out half-way.
import { countText, numberOf } from '../../core/text/format.ts';
import type { Quotas } from '../../client/quotas.ts';
import type { Finding } from './finding.ts';

export interface Needs {
  migrations: readonly { file: string; memoryMB: number }[];
  /** How many roles the next deployment makes. */
  roles: number;
}

/** Of an account that is not young. */
const USUAL_CONCURRENCY = 1_000;
/** What a young one may have at most; no API tells it. */
const YOUNG_MEMORY_MB = 3_008;
/** A run is two at a time; a dashboard, a watch and a preview are beside it. */
const SCARCE_CONCURRENCY = 10;

export function quotaFindings(
  environment: string,
  { concurrency = Infinity, roles, unknown }: Quotas,
  needs: Needs,
): Finding[] {
  const about = { environment, rule: 'quota' } as const;
  const found: Finding[] = unknown.map((why) => ({
    ...about,
    severity: 'note',
    message: `A quota of the account is not known: ${why}. It needs lambda:GetAccountSettings and iam:GetAccountSummary.`,
  }));
  if (concurrency <= SCARCE_CONCURRENCY) {
    const message = `No more than ${numberOf(concurrency, 'function')} of the account may run at a time in this region, of all apps together: a run waits while others take them, and fails after half an hour. Ask Service Quotas for more: Lambda, "Concurrent executions".`;
    found.push({ ...about, severity: 'warning', message });
  }
  if (concurrency < USUAL_CONCURRENCY) {
    for (const { file, memoryMB } of needs.migrations) {
      if (memoryMB <= YOUNG_MEMORY_MB) continue;
      const message = `memoryMB is ${countText(memoryMB)}, and an account that may run ${countText(concurrency)} functions at a time is young: it may have ${countText(YOUNG_MEMORY_MB)} MB at most. Then Lambda refuses the function, and the deployment is rolled back. Ask AWS Support for more, or for less memory here.`;
      found.push({ ...about, severity: 'warning', file, message });
    }
  }
  if (roles && roles.used + needs.roles > roles.most) {
    const message = `The account has ${countText(roles.used)} of ${countText(roles.most)} roles, and the next deployment makes ${countText(needs.roles)}: IAM refuses it half-way. Ask Service Quotas for more: IAM, "Roles per account".`;
    found.push({ ...about, severity: 'error', message });
  }
  return found;
}
