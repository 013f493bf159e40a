// Does for the widget what the CloudWatch console does: draws its HTML, and calls it when a <cwdb-action> is pressed.
/* global clearTimeout, document, fetch, history, location, matchMedia, setTimeout */

/** Comes with the address that the terminal printed, behind #: it is in no request line and in no history of a server. */
const token = location.hash.slice(1);
const { pollMs, canRun } = document.body.dataset;
const byId = (id) => document.getElementById(id);
const widget = byId('widget');
const root = widget.attachShadow({ mode: 'open' });

/** What the console brings along for buttons and links; the widget has no style of its own for them. */
const CONSOLE_STYLE = `<style>
  a { color: var(--accent); }
  .btn { display: inline-block; padding: 4px 18px; border: 2px solid var(--accent); border-radius: 18px; font-weight: 600;
    color: var(--accent); background: transparent; cursor: pointer; text-decoration: none; user-select: none; }
  .btn:hover { background: color-mix(in srgb, var(--accent) 12%, transparent); }
  .btn:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  .btn-primary { color: var(--panel); background: var(--accent); }
  .btn-primary:hover { background: color-mix(in srgb, var(--accent) 85%, #000); }
  cwdb-action { display: none; }
</style>`;

let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
/** The page of older migrations that the last button asked to see; a refresh keeps to it, and never presses again. */
let view = {};
let drawn = '';
/** What the last press came to: it stays over the refreshes, so that nobody misses it. */
let notice = '';
/** What the last press on Preview showed: it stays as well, until the next press. */
let preview = '';
let last = Promise.resolve();
/** When what is drawn was answered. */
let seenAt;

async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-odin-token': token },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (said.error !== undefined) throw new Error(said.error);
  return said;
}

async function call(payload, forms = {}) {
  const { html } = await post('/widget', { call: payload, theme, timezone: timezone(), forms });
  seenAt = new Date();
  return html;
}

/** The viewer's offset as the console gives it: `+02:00`. */
function timezone() {
  const minutes = -new Date().getTimezoneOffset();
  const two = (value) => String(Math.floor(Math.abs(value))).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

const fields = () => [...root.querySelectorAll('input[name], textarea[name], select[name]')];
const formValues = () => Object.fromEntries(fields().map(({ name, value }) => [name, value]));

/** @param typed what the fields are to hold; as the HTML has it for those that are not in it */
function draw(html, typed = {}) {
  if (html === drawn) return;
  drawn = html;
  const open = [...root.querySelectorAll('details[open]')].map(({ id }) => id);
  const { name: focused, selectionStart, selectionEnd } = root.activeElement ?? {};
  root.innerHTML = CONSOLE_STYLE + html;
  if (notice) root.querySelector('.sheet')?.insertAdjacentHTML('afterbegin', notice);
  if (preview) root.getElementById('preview')?.insertAdjacentHTML('beforeend', preview);
  for (const id of open) root.getElementById(id)?.setAttribute('open', '');
  for (const field of fields()) {
    field.value = typed[field.name] ?? field.value;
    if (field.name !== focused) continue;
    field.focus();
    field.setSelectionRange(selectionStart, selectionEnd);
  }
  for (const form of root.querySelectorAll('form')) form.onsubmit = () => false;
  for (const action of root.querySelectorAll('cwdb-action[action="call"]')) {
    const button = action.previousElementSibling;
    if (!button) continue;
    button.setAttribute('role', 'button');
    button.setAttribute('tabindex', '0');
    button.onclick = () => press(action);
    button.onkeydown = (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault(); // a space scrolls
      void press(action);
    };
  }
}

async function press(action) {
  const payload = JSON.parse(action.textContent);
  const question = action.getAttribute('confirmation');
  const { needs } = action.dataset;
  const lacks = needs !== undefined && !formValues()[needs]?.trim(); // it is refused: nobody is asked whether it is meant
  if (question !== null && !lacks && !(await confirmed(question))) return;
  await work(async () => {
    const html = await call(payload, formValues());
    notice = preview = drawn = '';
    draw(html);
    notice = root.querySelector('[data-notice]')?.outerHTML ?? '';
    preview = root.getElementById('preview')?.innerHTML.trim() ?? '';
    view = payload.page === undefined ? {} : { page: payload.page };
    if (lacks) sayAt(root.querySelector(`[name="${needs}"]`));
    else if (notice) root.querySelector('[data-notice]').scrollIntoView({ block: 'nearest' });
    else if (preview) root.getElementById('preview').scrollIntoView();
  });
}

/** At the field itself: on a phone what is said above the page is out of sight. */
function sayAt(field) {
  if (!field) return;
  field.setCustomValidity(root.querySelector('[data-notice]')?.innerText ?? '');
  field.oninput = () => field.setCustomValidity('');
  field.reportValidity();
}

function confirmed(question) {
  const dialog = byId('confirm');
  dialog.querySelector('p').textContent = question;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  });
}

/** One thing after the other: an answer that was asked for before a press must not be drawn over the press's own. */
function work(task) {
  last = last.then(() => guarded(task));
  return last;
}

async function guarded(task) {
  const since = new Date();
  const waits = setTimeout(
    () => complain(`There is no answer since ${timeOf(since)}: is the command stopped?`),
    15_000,
  );
  widget.classList.add('waiting');
  try {
    await task();
    byId('trouble').hidden = true;
    widget.classList.remove('stale');
  } catch (error) {
    complain(
      error.name === 'TypeError'
        ? 'The command in the terminal has ended: type it again, and open what it prints.'
        : error.message,
    );
  } finally {
    clearTimeout(waits);
    widget.classList.remove('waiting');
  }
}

/** What is shown then is of before, and whoever comes back to it in the morning has to see that. */
function complain(what) {
  const ofBefore = seenAt && `What is shown here is of ${timeOf(seenAt)}.`;
  byId('trouble').textContent = [what, ofBefore].filter(Boolean).join(' ');
  byId('trouble').hidden = false;
  widget.classList.toggle('stale', seenAt !== undefined);
}

/** `2026-03-01 23:30:59`, of the viewer's clock. */
function timeOf(date) {
  const minutes = date.getTimezoneOffset();
  return new Date(date.getTime() - minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

async function refresh() {
  await work(async () => {
    const html = await call(view);
    draw(html, formValues()); // what is typed meanwhile stays
  });
}

async function keepFresh() {
  if (!document.hidden && !byId('confirm').open) await refresh();
  setTimeout(keepFresh, Number(pollMs));
}

function showTheme() {
  document.documentElement.classList.toggle('dark', theme === 'dark');
  byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
}

/** With the widget, which is drawn for one of them: without it, its text would be of the one on the ground of the other. */
byId('theme').onclick = () =>
  work(async () => {
    const before = theme;
    theme = theme === 'dark' ? 'light' : 'dark';
    try {
      draw(await call(view), formValues());
      showTheme();
    } catch (error) {
      theme = before;
      throw error;
    }
  });
byId('run').hidden = canRun !== 'true';
byId('run').onclick = () =>
  work(async () => {
    const { tone, said } = await post('/run', {});
    const card = document.createElement('div');
    card.className = `card ${tone}`;
    card.dataset.notice = tone;
    card.setAttribute('role', 'status');
    card.append(document.createElement('h3'));
    card.firstChild.textContent = said;
    notice = card.outerHTML;
    drawn = '';
  }).then(refresh);
showTheme();
history.scrollRestoration = 'manual';
// A page that was in the background, or on a machine that slept, is looked at again: not with what it was.
document.onvisibilitychange = () => (document.hidden ? undefined : refresh());
void keepFresh();
