// `dashboard`: the CloudWatch widget that draws an environment, passes an operator's decision on to `resume`, and asks a
// migration's function for a preview.
import { asOdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { DecideAnswer, DecidePayload, TuneAnswer, TunePayload } from '../../core/contract/payloads.ts';
import { MAX_CONCURRENCY } from '../../core/names/lambda-limits.ts';
import { cut } from '../../core/ledger/summaries.ts';
import type { Next } from '../../core/text/command.ts';
import { nextText } from '../../core/text/command.ts';
import { withoutControls } from '../../core/text/plain.ts';
import type { Subscribers } from '../../core/views/subscribers.ts';
import { readTrails } from '../../core/views/history.ts';
import type { EnvironmentView, LedgerSeen } from '../../core/views/view.ts';
import { lookAtLedger, viewOf } from '../../core/views/view.ts';
import type { Decide, OfMigration, WidgetEvent } from './event.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import type { Frame, Notice, NoticeAnswer, Typed } from './frame.ts';
import { failurePage, page } from './page.ts';
import type { AskMigration } from './preview.ts';
import { previewForPage } from './preview.ts';
import { shownOf } from './rows.ts';
import { Clock } from './words.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';

/** What `DecidePayload` takes. */
const MAX_REASON = 4000;
const MAX_NAME = 100;

/** What its buttons reach. */
export interface Acts {
  sendDecision: (payload: DecidePayload) => Promise<DecideAnswer>;
  askMigration: AskMigration;
  sendTune: (payload: TunePayload) => Promise<TuneAnswer>;
}

/**
 * Answers with HTML, or with Markdown when it is asked to describe itself. It changes nothing unless a button's payload
 * asks for it, and may be called again with the same payload: a halt is decided once.
 * @param acts undefined of one that only shows: it has no such buttons, and does nothing that it is asked for
 */
export function createDashboard(
  { environment, local = false, ledger, log }: Pick<Services, 'environment' | 'local' | 'ledger' | 'log'>,
  manifest: Manifest,
  acts: Acts | undefined,
  countSubscribers: () => Promise<Subscribers | undefined>,
) {
  return async (event: WidgetEvent, { functionArn }: Pick<Invocation, 'functionArn'>): Promise<string> => {
    if (event.describe !== undefined && event.describe !== false) return acts ? HELP : HELP_TO_LOOK;
    const { theme, timezone, forms, params } = event.widgetContext;
    const typed: Typed = { reason: textOf(forms.all['reason']), name: textOf(forms.all['operator']) };
    // What a widget is configured with arrives as well: it must not act just because somebody looks at it.
    const pressed = (button: 'decide' | 'preview' | 'tune') => !(button in params);
    const came =
      event.decide && pressed('decide')
        ? await (acts ? decide(acts, event.decide, typed, event) : ONLY_SHOWS)
        : event.preview && pressed('preview')
          ? await (acts ? previewOf(acts, event.preview) : ONLY_SHOWS)
          : event.tune && pressed('tune')
            ? await (acts ? tune(acts, event.tune, textOf(forms.all['concurrency']), typed, event) : ONLY_SHOWS)
            : undefined;
    const notice = came && 'title' in came ? came : undefined;
    const frame: Frame = {
      app: manifest.app,
      environment,
      functionArn,
      theme,
      clock: new Clock(timezone?.offsetISO),
      local,
      acts: acts !== undefined,
      page: event.page,
      notice,
      typed: notice?.tone === 'good' ? undefined : typed,
      preview: came && 'migration' in came ? came : undefined,
    };
    try {
      const [seen, told] = await Promise.all([lookAtLedger(ledger), subscribers()]);
      const view = viewOf(manifest, seen);
      return page(view, { ...frame, subscribers: told, trails: await trails(seen, view, event.page) });
    } catch (thrown) {
      const error = asOdinError(thrown);
      log.error(`The dashboard could not be drawn: ${error.message}`, { code: error.code });
      const lines = linesOf(error.what, error.why, error.next, notice?.title);
      return failurePage(frame, { tone: 'bad', title: 'The ledger could not be read', lines });
    }
  };

  /** What cannot be read is not shown: an entry from which nothing follows any more must not take the buttons away. */
  async function trails({ state }: LedgerSeen, view: EnvironmentView, open: number | undefined) {
    const { older, rows } = shownOf(view, open);
    try {
      return await readTrails(
        ledger,
        state,
        [...older, ...rows].map(({ id }) => id),
      );
    } catch (thrown) {
      log.warn(`The histories could not be read: ${describeThrown(thrown)}`);
      return undefined;
    }
  }

  /** Of a topic of another account, say, it is not known: then nothing is said. */
  async function subscribers(): Promise<Subscribers | undefined> {
    try {
      return await countSubscribers();
    } catch (thrown) {
      log.warn(`Who is told of halts is not known: ${describeThrown(thrown)}`);
      return undefined;
    }
  }

  async function previewOf({ askMigration }: Acts, { migration }: OfMigration): Promise<Previewed | Notice> {
    try {
      return await previewForPage(migration, ledger, manifest, askMigration);
    } catch (thrown) {
      const error = asOdinError(thrown);
      log.error(`The preview failed: ${error.message}`, { code: error.code, migration });
      const elsewhere: Next = { words: 'Try it in a terminal', verb: 'preview', environment, args: [migration] };
      const lines = linesOf(error.what, error.why, error.next ?? elsewhere);
      return { tone: 'bad', title: `${migration} could not be previewed; nothing was changed`, lines };
    }
  }

  async function tune(
    { sendTune }: Acts,
    { migration }: OfMigration,
    asked: string,
    { name }: Typed,
    { widgetContext }: WidgetEvent,
  ): Promise<Notice> {
    const concurrency = /^\d{1,4}$/.test(asked) ? Number(asked) : 0;
    if (concurrency < 1 || concurrency > MAX_CONCURRENCY) {
      const lines = [`Expected a whole number of batches, 1 to ${MAX_CONCURRENCY}. Nothing was changed.`];
      return { tone: 'warn', title: 'Please fill in how many batches', lines };
    }
    try {
      const answer = await sendTune({ ask: 'tune', migration, concurrency, by: decidedBy(name, widgetContext) });
      if (answer.result !== 'refused') return { tone: 'good', title: answer.message, lines: [] };
      return { tone: 'warn', title: answer.what, lines: linesOf(answer.why) };
    } catch (thrown) {
      const error = asOdinError(thrown);
      log.error(`Nothing was tuned: ${error.message}`, { code: error.code, migration, concurrency });
      const lines = linesOf(error.what, error.why, error.next ?? 'Press again: it does no harm.');
      return { tone: 'bad', title: 'It may not have been changed', lines };
    }
  }

  async function decide(
    { sendDecision }: Acts,
    asked: Decide,
    { reason, name }: Typed,
    { widgetContext }: WidgetEvent,
  ): Promise<Notice> {
    const { decision, halt, begin } = asked;
    try {
      const answer = await sendDecision({
        ask: 'decide',
        decision,
        by: decidedBy(name, widgetContext),
        halt,
        begin,
        reason: reason === '' ? undefined : cut(reason, MAX_REASON),
      });
      if (answer.result !== 'refused') return { tone: 'good', title: answer.message, lines: [] };
      if (answer.code === 'OtherHalt' || answer.code === 'NothingHalted') return STALE;
      if (answer.code === 'ReasonMissing')
        return { tone: 'warn', title: 'Please fill in the reason', lines: [answer.what] };
      if (answer.code === 'OtherCode')
        return { tone: 'warn', title: answer.what, lines: linesOf(answer.why), answers: retries(halt) };
      return { tone: 'warn', title: answer.what, lines: linesOf(answer.why, answer.next) };
    } catch (thrown) {
      const error = asOdinError(thrown);
      log.error(`The decision was not taken: ${error.message}`, { code: error.code, decision, halt });
      const press = 'Look at the table: if the decision is not there, press again.';
      const lines = linesOf(error.what, error.why, error.next ?? press);
      return { tone: 'bad', title: 'The decision may not have been taken', lines };
    }
  }

  function linesOf(...parts: (Next | undefined)[]): string[] {
    return parts.filter((part) => part !== undefined).map((part) => nextText(part, { local }));
  }
}

/** Where a retry begins is a choice of its own, where other code made the checkpoint. */
const retries = (halt: number): NoticeAnswer[] => [
  {
    label: 'Keep the checkpoint',
    meaning:
      'The deployed code goes on from that checkpoint; of a parallel migration it does the batches that are left',
    decide: { decision: 'retry', halt, begin: 'checkpoint' },
  },
  {
    label: 'From the start',
    meaning: 'The deployed code begins anew, and does again what was done',
    decide: { decision: 'retry', halt, begin: 'start' },
  },
];

const ONLY_SHOWS: Notice = {
  tone: 'warn',
  title: 'This dashboard only shows',
  lines: ['Nothing was done. Who may decide or preview does it with the command line.'],
};

const STALE: Notice = {
  tone: 'warn',
  title: 'That was about an earlier halt',
  lines: ['Nothing was decided. What you see now is the newest.'],
};

/**
 * The console tells a widget the account and not the person (widgetContext has no identity), so this says no more than it knows, and
 * `resume` records it as claimed. What is typed and is more than a person's name or address is quoted: nobody was asked for it, and an
 * ARN can be written with signs that only look like its own.
 */
function decidedBy(name: string, { accountId, dashboardName }: WidgetEvent['widgetContext']): string {
  const place = `dashboard ${cut(dashboardName ?? '', 255)} of account ${cut(accountId ?? 'unknown', 12)}`;
  const typed = cut(withoutControls(name).trim(), MAX_NAME);
  if (typed === '') return place.replace('  ', ' ');
  return `${isName(typed) ? typed : `"${typed}"`} (${place.replace('  ', ' ')})`;
}

/**
 * Of letters and what stands between them; joiners belong to some scripts, and not to Latin letters. `local:` is before whom a dashboard
 * of this machine names.
 */
const isName = (typed: string): boolean =>
  /^(?:local:)?(?:[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{M}\p{Nd} .,'’@_+-]|(?<=\p{Lo}\p{M}{0,4})[\u200c\u200d](?=\p{Lo}))+$/u.test(
    typed,
  );

const textOf = (field: unknown): string => (typeof field === 'string' ? field.trim() : '');

const HELP_TO_LOOK = `
## odin-migrate

Shows the one-time operations of one environment: what ran, what is pending, and, when a migration is halted, what
happened and how it is answered.

The widget has no parameters. Looking at it, or refreshing it, changes nothing.
`.trim();

const HELP = `
${HELP_TO_LOOK}

* **Retry** runs it again with the code that is deployed now, from its last checkpoint if it has one.
* **Mark applied** records it as applied, because you made sure that its effect is there. It needs a reason.
* **Skip** records it as skipped: it never runs. It needs a reason.
* **Abort** ends the run as failed; the next run halts there again.
* **Set**, in the row of a parallel migration that runs, lets more or fewer batches run at a time.
* **Preview** runs a pending migration's code for up to 20 seconds, with every write held back, and shows what it would do. It
  changes nothing.
`.trim();
