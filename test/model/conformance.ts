import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as code from '../simulation/code.ts';
import { simulate } from '../simulation/simulation.ts';
import { eventsOf, OutOfScope } from './events.ts';
import { SIZE, scenarioFor } from './schedules.ts';
const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, schedules: { type: 'string', default: '200' }, show: { type: 'boolean', default: false }, folder: {type:'string', default: ''} } });
const folder = values.folder || mkdtempSync(path.join(tmpdir(), 'odin-conformance-'));
const run = (command: string, args: string[], env = {}) => new Promise<{ code: number; output: string }>((resolve) => {
  execFile(command, args, { cwd: folder, timeout: 120_000, maxBuffer: 64 << 20, env: { ...process.env, ...env } }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }));
});
const flags = `TRACE MIGRATIONS=3 STARTS=8 EXECUTIONS=12 INVOCATIONS=4 LOG=100 TRIES=3 SLICES=200 PEOPLE=3 DECISIONS=200 SAY=15 EAGER=1 FAILS=200 HANGS=0 CRASHES=200 LATES=200 DENIALS=200 GAVE_UP=200 STOPS=1 REDRIVES=200 CANCELS=1 BASELINES=1 HANDOVERS=200`.split(' ').map((f) => `-D${f}`);
if (!values.folder) {
for (const f of ['protocol.pml', 'follow.h']) copyFileSync(path.join(import.meta.dirname, f), path.join(folder, f));
console.log(await run('spin', ['-a', ...flags, 'protocol.pml']));
console.log(await run('gcc', ['-O1', '-w', '-DSAFETY', '-DNOREDUCE', '-DVECTORSZ=12000', '-DCOLLAPSE', '-DMEMLIM=1000', '-o', 'pan', 'pan.c']));
}
console.log(folder);
const words = new Map([...readFileSync(path.join(folder, 'pan.c'), 'utf8').matchAll(/mtype  (\w+):\t(\d+)/g)].map(([, w, n]) => [w!, Number(n)]));
const num = (f: string | number | undefined) => f === undefined ? 255 : typeof f === 'number' ? f : words.get(f) ?? (() => { throw new Error(`no word ${f}`); })();
let count = { accepted: 0, refused: 0, scope: 0, error: 0, events: 0 };
const scopes: Record<string, number> = {};
const queue = Array.from({ length: Number(values.schedules) }, (_, at) => Number(values.seed) + at);
await Promise.all(Array.from({ length: availableParallelism() }, async () => {
  for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) {
    const { requests = [], violations } = await simulate({ seed, scenario: scenarioFor(seed) }, { code, requests: true });
    if (violations.length) console.log(seed, 'VIOLATION', violations[0]);
    let events;
    try { events = eventsOf(requests, SIZE); } catch (e) {
      if (e instanceof OutOfScope) { count.scope += 1; scopes[e.message] = (scopes[e.message] ?? 0) + 1; } else { count.error += 1; console.log(seed, String(e)); }
      continue;
    }
    const file = path.join(folder, `${seed}.trace`);
    const rows = events.map(({ word, by, fields }) => [num(word), by, ...Array.from({ length: 7 }, (_, i) => num(fields[i]))].join(' '));
    writeFileSync(file, [...rows, Array(9).fill(0).join(' ')].slice(0, -1).join('\n') + '\n');
    const { output } = await run('./pan', ['-E', '-n', '-m10000', '-w16'], { TRACE: file });
    const m = /followed (\d+) of (\d+)/.exec(output);
    const broke = /pan:\d+: (.*)/.exec(output)?.[1];
    count.events += events.length;
    if (m && m[1] === m[2]) { count.accepted += 1; }
    else {
      count.refused += 1;
      const at = Number(m?.[1] ?? 0);
      console.log(seed, 'REFUSED', m?.[0], broke ?? '', m ? '' : output.slice(0, 300));
      for (const e of events.slice(Math.max(0, at - (values.show ? 40 : 0)), at + 1)) console.log('   ', e.word, e.by, JSON.stringify(e.fields), '|', requests[e.line]!.actor, requests[e.line]!.request.slice(0, 100), requests[e.line]!.answer.slice(0, 30), requests[e.line]!.fault ?? '');
    }
    if (!values.show) rmSync(file, { force: true });
  }
}));
console.log(count, scopes);
