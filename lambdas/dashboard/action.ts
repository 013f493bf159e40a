// A button of a custom widget: the console calls a function when the element just before <cwdb-action> is pressed.
import type { Decide, OfMigration } from './event.ts';
import { Html, html } from './html.ts';
import type { Frame } from './frame.ts';

/** An empty one is a look. */
export type ButtonCall =
  | { decide: Decide }
  | { preview: OfMigration; page?: number | undefined }
  | { tune: OfMigration; page?: number | undefined }
  | { page?: number | undefined };

export interface ButtonOptions {
  primary?: boolean | undefined;
  /** The question that the console asks before it calls. */
  confirmation?: string | undefined;
  /** A field that has to be filled in: a page that knows of this asks for that first. */
  needs?: string | undefined;
}

/** The call goes to this function itself; what it answers takes the place of the page. */
export const callAction = (
  label: string,
  { functionArn }: Frame,
  call: ButtonCall,
  { primary = false, confirmation, needs }: ButtonOptions = {},
): Html =>
  html`<a class="btn${primary && ' btn-primary'}">${label}</a
    ><cwdb-action
      action="call"
      display="widget"
      endpoint="${functionArn}"
      ${needs !== undefined && html`data-needs="${needs}"`}
      ${confirmation !== undefined && html`confirmation="${confirmation}"`}
      >${json(call)}</cwdb-action
    >`;

/** Unescaped, because the console may read it as text: only numbers, digits and fixed words are ever in it. */
const json = (value: object): Html => new Html(JSON.stringify(value).replaceAll('<', '\\u003c'));
