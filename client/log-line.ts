// What a line of the migrations' log says to people: of the functions' own structured log, of Lambda's text and JSON formats.
import * as z from 'zod';
import { MigrationId } from '../core/names/identifiers.ts';
import { RUN_FIELD } from '../core/names/names.ts';

export interface LogLine {
  /** `migration`: it printed this. `function`: a warning or an error of what runs it. `lambda`: how an invocation ended badly, and what is in no form that is known. */
  by: 'migration' | 'function' | 'lambda';
  level: 'debug' | 'info' | 'warn' | 'error';
  /** As it was written, whatever is in it. */
  text: string;
  migration?: string | undefined;
  attempt?: number | undefined;
  /** Of a parallel migration. */
  batch?: number | undefined;
}

const Run = z.object({
  migration: z.optional(MigrationId).catch(undefined),
  attempt: z.number().optional().catch(undefined),
  batch: z.number().optional().catch(undefined),
});
const Line = Run.extend({
  [RUN_FIELD]: Run.optional().catch(undefined),
  from: z.unknown().optional(),
  service: z.unknown().optional(),
  level: z.unknown().optional(),
  message: z.unknown().optional(),
  type: z.unknown().optional(),
  record: z.unknown().optional(),
});

/** @returns undefined for what nobody looks for: how an invocation began and ended well, what a preview printed, the function's own notes */
export function logLineOf(written: string): LogLine | undefined {
  const text = written.trimEnd();
  const line = jsonOf(text);
  if (!line) return textLine(text);
  const { from, service, type } = line;
  const about = line[RUN_FIELD] ?? line;
  const of = { migration: about.migration, attempt: about.attempt, batch: about.batch };
  const level = levelOf(line.level);
  const said = { ...of, level, text: typeof line.message === 'string' ? line.message : JSON.stringify(line.message) };
  if (from === 'migration') return { by: 'migration', ...said };
  if (from === 'preview') return undefined;
  if (typeof type === 'string' && type.startsWith('platform.')) return platformLine(type, line.record);
  if (service === 'odin-migrate')
    return level === 'warn' || level === 'error' ? { by: 'function', ...said } : undefined;
  return { by: 'lambda', ...said, text: line.message === undefined ? text : said.text };
}

/** Whether it says that an invocation is over: whatever that printed came before. */
export const isEnd = (written: string): boolean =>
  /^(END|REPORT) RequestId: /.test(written) || /"type":\s*"platform\.(runtimeDone|report)"/.test(written);

/** How Lambda begins a line of its console: the time, the request and the level, with tabs between them. */
const CONSOLE = /^\d{4}-\d\d-\d\dT[\d:.]+Z\t[\w-]+\t(\w+)\t/;

function textLine(text: string): LogLine | undefined {
  if (text === '' || /^(START|END) RequestId: |^(INIT_START|INIT_REPORT|EXTENSION|TELEMETRY|XRAY)\b/.test(text))
    return undefined;
  if (text.startsWith('REPORT RequestId: ')) {
    const status = /\tStatus: (\w+)/.exec(text)?.[1];
    return status === undefined || status === 'success'
      ? undefined
      : { by: 'lambda', level: 'error', text: text.replaceAll('\t', '  ') };
  }
  const [begin = '', word] = CONSOLE.exec(text) ?? [];
  return { by: 'lambda', level: levelOf(word), text: text.slice(begin.length) };
}

const Ended = z.object({
  status: z.string(),
  errorType: z.string().optional().catch(undefined),
  metrics: z.object({ durationMs: z.number() }).optional().catch(undefined),
});

function platformLine(type: string, record: unknown): LogLine | undefined {
  const ended = type === 'platform.report' ? Ended.safeParse(record).data : undefined;
  if (!ended || ended.status === 'success') return undefined;
  const { status, errorType, metrics } = ended;
  const after = metrics ? ` after ${Math.round(metrics.durationMs)} ms` : '';
  return {
    by: 'lambda',
    level: 'error',
    text: `The invocation ended${after}: ${[status, errorType].filter(Boolean).join(', ')}`,
  };
}

/** A word, or a number as pino and bunyan have it. */
function levelOf(level: unknown): LogLine['level'] {
  if (typeof level === 'number') return level >= 50 ? 'error' : level >= 40 ? 'warn' : level >= 30 ? 'info' : 'debug';
  switch (typeof level === 'string' ? level.toLowerCase() : '') {
    case 'trace':
    case 'debug':
      return 'debug';
    case 'warn':
    case 'warning':
      return 'warn';
    case 'error':
    case 'fatal':
    case 'critical':
      return 'error';
    default:
      return 'info';
  }
}

function jsonOf(text: string): z.infer<typeof Line> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // it only looks like one
  }
}
