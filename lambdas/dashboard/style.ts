// The page's style sheet. Colours are variables, set by the theme that the console names; everything else is inherited
// from the console, so that the page looks at home in it.
import { Html } from './html.ts';
import type { Tone } from '../../core/views/words.ts';

type Colours = Record<Tone | 'text' | 'dim' | 'line' | 'card' | 'cell', string>;

const LIGHT: Colours = {
  text: '#16191f',
  dim: '#5f6b7a',
  line: '#e3e7ec',
  card: '#f7f8fa',
  cell: '#d5dbe2',
  good: '#17784f',
  bad: '#c8321f',
  busy: '#0b69c7',
  warn: '#a35f00',
  quiet: '#65707d',
};

const DARK: Colours = {
  text: '#e4e8ec',
  dim: '#98a4b1',
  line: '#2c3744',
  card: '#18222d',
  cell: '#3a4755',
  good: '#4cc38a',
  bad: '#ff7b68',
  busy: '#6cb4ff',
  warn: '#f2b04e',
  quiet: '#8b98a6',
};

const variables = (colours: Colours): string =>
  Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');

const SHEET = `
.odin{color:var(--text);font-size:14px;line-height:1.5;padding:4px 2px 12px}
.odin p{margin:0}
.odin .dim{color:var(--dim)}
.odin .good{--tone:var(--good)}.odin .bad{--tone:var(--bad)}.odin .busy{--tone:var(--busy)}
.odin .warn{--tone:var(--warn)}.odin .quiet{--tone:var(--quiet)}
.odin .head{display:flex;align-items:baseline;gap:12px;flex-wrap:wrap}
.odin .title{font-size:22px;font-weight:600;letter-spacing:-.01em;color:var(--tone)}
.odin .count{margin-left:auto;color:var(--dim);font-variant-numeric:tabular-nums}
.odin .count b{color:var(--text);font-size:18px}
.odin .bar{display:flex;gap:2px;height:10px;margin:12px 0 8px}
.odin .bar span{flex:1 1 0;min-width:2px;border-radius:2px;background:var(--tone);opacity:.9}
.odin .bar .pending{background:var(--cell)}
.odin .bar .now{animation:odin-breathe 2.4s ease-in-out infinite}
@keyframes odin-breathe{50%{opacity:.35}}
@media (prefers-reduced-motion:reduce){.odin .bar .now{animation:none}}
.odin .legend{display:flex;gap:18px;flex-wrap:wrap;color:var(--dim);font-size:13px;margin-bottom:20px}
.odin .dot{display:inline-block;width:8px;height:8px;border-radius:50%;background:var(--tone);margin-right:7px}
.odin .card{background:var(--card);border:1px solid var(--line);border-left:3px solid var(--tone);border-radius:6px;
padding:14px 18px;margin:0 0 20px}
.odin .card h3{margin:0 0 2px;font-size:16px;font-weight:600;color:var(--text)}
.odin pre{font:12.5px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;
overflow-wrap:anywhere;margin:10px 0 0;color:var(--text);background:transparent;border:0;padding:0}
.odin .error{max-height:180px;overflow:auto;border-top:1px solid var(--line);padding-top:10px}
.odin .error b{color:var(--tone);font-weight:600}
.odin details{margin-top:8px}
.odin summary{cursor:pointer;color:var(--dim)}
.odin .links a{margin-right:14px}
.odin form{display:flex;gap:12px;flex-wrap:wrap;margin:16px 0 14px}
.odin label{display:block;color:var(--dim);font-size:12px;flex:1 1 180px}
.odin label.wide{flex:3 1 320px}
.odin input{display:block;box-sizing:border-box;width:100%;margin-top:3px;padding:6px 9px;font:inherit;font-size:14px;
color:var(--text);background:transparent;border:1px solid var(--quiet);border-radius:4px}
.odin .answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:14px 20px}
.odin .answers p{color:var(--dim);font-size:12.5px;line-height:1.4;margin-top:6px}
.odin table{width:100%;border-collapse:collapse;font-size:13.5px;background:transparent}
.odin th{text-align:left;font-weight:500;font-size:12px;color:var(--dim);padding:6px 14px 6px 0;white-space:nowrap;
border:0;border-bottom:1px solid var(--line);background:transparent}
.odin td{padding:9px 14px 9px 0;vertical-align:top;border:0;border-bottom:1px solid var(--line);color:var(--text);
background:transparent}
.odin td.word{white-space:nowrap;color:var(--tone)}
.odin td.number{white-space:nowrap;font-variant-numeric:tabular-nums}
.odin td.text{min-width:220px;overflow-wrap:anywhere}
.odin td small,.odin .small{display:block;color:var(--dim);font-size:12.5px}
.odin .meter{display:block;height:4px;border-radius:2px;background:var(--cell);margin:6px 0 2px;max-width:260px}
.odin .meter span{display:block;height:4px;border-radius:2px;background:var(--busy)}
.odin td.press{white-space:nowrap;padding-right:0;text-align:right}
.odin td.press .btn,.odin .close .btn{padding:0 11px;font-size:12.5px;line-height:18px;border-width:1px;min-width:0}
.odin .close{float:right;margin-left:12px}
.odin .previewed{overflow-x:auto;margin:10px 0 0}
.odin .previewed td{padding-top:5px;padding-bottom:5px}
.odin .previewed td.text{width:60%}.odin .previewed th:first-child{width:60px}
.odin .previewed .write{color:var(--warn);font-weight:600}
.odin .previewed th.number,.odin .previewed td.number{text-align:right}
.odin .outcome{margin-top:12px}
.odin .outcome b{color:var(--tone);font-weight:600}
.odin ul{margin:8px 0 0;padding-left:18px;color:var(--dim);font-size:13px}
.odin .promise{margin-top:10px}
.odin .older{margin:0 0 14px}
.odin .more{padding:10px 0;color:var(--dim)}
.odin .foot{margin-top:14px;color:var(--dim);font-size:12px}
`;

export type Theme = 'light' | 'dark';

/** Not escaped: the content of <style> is read as it is. Nothing in it comes from outside. */
export const styleSheet = (theme: Theme): Html =>
  new Html(`.odin{${variables(theme === 'dark' ? DARK : LIGHT)}}${SHEET.replaceAll('\n', '')}`);
