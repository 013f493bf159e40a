// What the CloudWatch console sends to a custom widget's function, read leniently: a page must come of it in any case.
// Only `decide`, `preview` and `tune` are read strictly, because they act.
import * as z from '../../core/schema.ts';
import { DECISIONS } from '../../core/names/names.ts';
import { MigrationId } from '../../core/names/identifiers.ts';

/** A press on a button. It names the halt that the operator was looking at, by the number of its entry. */
export const Decide = z.strictObject({
  decision: z.enum(DECISIONS),
  halt: z.int().check(z.minimum(1)),
  /** Where a retry begins, once that was asked. */
  begin: z.optional(z.enum(['start', 'checkpoint'])),
});
export type Decide = z.infer<typeof Decide>;

/** A press on a button in the row of a migration. How many batches are to run at a time, a field of the page says. */
export const OfMigration = z.strictObject({ migration: MigrationId });
export type OfMigration = z.infer<typeof OfMigration>;

const text = z.catch(z.optional(z.string()), undefined);

const WidgetContext = z.object({
  dashboardName: text,
  accountId: text,
  theme: z.catch(z.enum(['light', 'dark']), 'light'),
  timezone: z.catch(z.optional(z.object({ offsetISO: text })), undefined),
  /** The fields of the page's form, by name. */
  forms: z.catch(z.object({ all: z.catch(z.record(z.string(), z.unknown()), {}) }), { all: {} }),
  /** What the widget was configured with; what a button sends is not in it. */
  params: z.catch(z.record(z.string(), z.unknown()), {}),
});

export const WidgetEvent = z.object({
  /** The console asks for help on the widget, and for nothing else. */
  describe: z.optional(z.unknown()),
  decide: z.optional(Decide),
  preview: z.optional(OfMigration),
  tune: z.optional(OfMigration),
  /** Which page of the older completed migrations is open, from 1. */
  page: z.catch(z.optional(z.int().check(z.minimum(1))), undefined),
  widgetContext: z.catch(WidgetContext, () => WidgetContext.parse({})),
});
export type WidgetEvent = z.infer<typeof WidgetEvent>;
