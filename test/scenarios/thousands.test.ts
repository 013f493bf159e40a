// An environment with 5,000 in its history, of which ten have a file, beside one with thirty: on the embedded AWS, with the functions
// in processes of their own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRun } from '../../client/deployment.ts';
import { startEmbedded } from '../../client/embedded.ts';
import { formatCompleted } from '../../project/completed.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

const PENDING = 10;
const TIMEOUT_MS = 300_000;

const idsFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => String(first + n).padStart(4, '0'));

interface Seen {
  counted: string[];
  /** Of a run with ten pending, and of the next one. */
  runs: { output: string | undefined; requests: string[] }[];
}

describe('ten pending migrations', () => {
  let project: TemporaryProject;
  let long: Seen;
  let short: Seen;

  beforeAll(async () => {
    project = temporaryProject({}, { sources: true });
    short = await runTwice('short', 30);
    long = await runTwice('long', 5_000);
  }, TIMEOUT_MS);
  afterAll(() => project.remove());

  async function runTwice(environment: string, history: number): Promise<Seen> {
    const pruned = idsFrom(1, history - PENDING).map((id) => ({
      id,
      completion: 'applied' as const,
      time: '2026-11-02T10:11:12.123Z',
      sourceSha256: 'a'.repeat(64),
    }));
    project.write(`migrations/${environment}/completed.json`, formatCompleted(pruned));
    for (const id of idsFrom(history - PENDING + 1, PENDING)) {
      project.write(`migrations/${environment}/${id}.ts`, 'export async function migration(): Promise<void> {}\n');
    }
    let requests: string[] = [];
    const { deployment, counted, close } = await startEmbedded({
      project,
      environment,
      onRequest: ({ service, operation }) => {
        if (service === 's3') requests.push(operation);
        return 'pass';
      },
    });
    await deployment.ledger.log.keep(); // as the run before leaves it
    const runs: Seen['runs'] = [];
    for (let run = 0; run < 2; run += 1) {
      requests = [];
      const execution = await startRun(deployment);
      let described = await deployment.describe(execution);
      for (; described.status === 'RUNNING'; described = await deployment.describe(execution))
        await deployment.pause(10);
      runs.push({ output: described.output, requests });
    }
    await close();
    return { counted, runs };
  }

  it('run after 4,990 that were pruned, which count as done here', () => {
    expect(long.counted).toEqual(idsFrom(1, 4_990));
    expect(long.runs[0]?.output).toContain('each of its 5000 migrations is completed (5000 in the ledger)');
  });

  it('take as many requests as after twenty, but for the pages of the list of copies', () => {
    const [ofLong, ofShort] = [long.runs[0]!.requests, short.runs[0]!.requests];
    const without = (requests: string[]) => requests.filter((operation) => operation !== 'ListObjectsV2');
    expect(without(ofLong)).toEqual(without(ofShort));
    expect(ofLong.length - ofShort.length).toBeLessThanOrEqual(8);
  });

  it('and then a run with nothing pending takes what it takes after twenty', () => {
    expect(long.runs[1]!.requests).toEqual(short.runs[1]!.requests);
    expect(long.runs[1]!.requests.length).toBeLessThanOrEqual(2);
  });
});
