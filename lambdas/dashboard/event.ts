// What the CloudWatch console sends to a custom widget's function, read leniently: a page must come of it in any case.
// Only `decide` and `preview` are read strictly, because they act.
import * as z from 'zod';
import { DECISIONS } from '../../core/names/names.ts';
import { MigrationId } from '../../core/names/identifiers.ts';

/** A press on a button. It names the halt that the operator was looking at, by the number of its entry. */
export const Decide = z.strictObject({ decision: z.enum(DECISIONS), halt: z.int().min(1) });
export type Decide = z.infer<typeof Decide>;

/** A press on a Preview button. */
export const AskPreview = z.strictObject({ migration: MigrationId });
export type AskPreview = z.infer<typeof AskPreview>;

const text = z.string().optional().catch(undefined);

const WidgetContext = z.object({
  dashboardName: text,
  accountId: text,
  theme: z.enum(['light', 'dark']).catch('light'),
  timezone: z.object({ offsetISO: text }).optional().catch(undefined),
  /** The fields of the page's form, by name. */
  forms: z.object({ all: z.record(z.string(), z.unknown()).catch({}) }).catch({ all: {} }),
  /** What the widget was configured with; what a button sends is not in it. */
  params: z.record(z.string(), z.unknown()).catch({}),
});

export const WidgetEvent = z.object({
  /** The console asks for help on the widget, and for nothing else. */
  describe: z.unknown().optional(),
  decide: Decide.optional(),
  preview: AskPreview.optional(),
  /** Which page of the older completed migrations is open, from 1. */
  page: z.int().min(1).optional().catch(undefined),
  widgetContext: WidgetContext.catch(() => WidgetContext.parse({})),
});
export type WidgetEvent = z.infer<typeof WidgetEvent>;
