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
.odin{color:var(--text);font-size:14px;line-height:1.5;padding:4px 2px 12px;box-sizing:border-box;
width:100%;container-type:inline-size}
.odin p,.odin ol,.odin h3{margin:0}
.odin .dim{color:var(--dim)}
.odin .sheet{overflow-wrap:anywhere}
.odin .good{--tone:var(--good)}.odin .bad{--tone:var(--bad)}.odin .busy{--tone:var(--busy)}
.odin .warn{--tone:var(--warn)}.odin .quiet{--tone:var(--quiet)}
.odin .btn{display:inline-flex;align-items:center;justify-content:center;box-sizing:border-box;min-height:44px;text-align:center}
.odin .head{display:grid;grid-template-columns:minmax(0,1fr) auto;align-items:baseline;gap:2px 12px}
.odin .title{font-size:24px;line-height:1.25;font-weight:650;letter-spacing:-.015em;color:var(--tone)}
.odin .detail{grid-column:1/-1}
.odin .count{color:var(--dim);font-variant-numeric:tabular-nums;white-space:nowrap}
.odin .count b{color:var(--text);font-size:18px}
.odin .bar{display:flex;gap:2px;height:10px;margin:14px 0 8px}
.odin .bar span{flex:1 1 0;min-width:1px;border-radius:2px;background:var(--tone);opacity:.9}
.odin .bar .pending{background:var(--cell)}
.odin .bar .now{animation:odin-breathe 2.4s ease-in-out infinite}
@keyframes odin-breathe{50%{opacity:.35}}
@media (prefers-reduced-motion:reduce){.odin .bar .now{animation:none}}
.odin .legend{display:flex;gap:4px 18px;flex-wrap:wrap;color:var(--dim);font-size:13px;margin-bottom:20px}
.odin .dot{display:inline-block;flex:none;width:8px;height:8px;border-radius:50%;background:var(--tone);margin-right:7px}
.odin .card{background:var(--card);border:1px solid var(--line);border-left:3px solid var(--tone);border-radius:8px;
padding:16px;margin:0 0 20px}
.odin .card h3{margin:0 0 4px;font-size:16px;line-height:1.35;font-weight:600;color:var(--text);unicode-bidi:plaintext;text-align:left}
.odin .small,.odin small{display:block;color:var(--dim);font-size:13px}
.odin pre{font:12.5px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;
overflow-wrap:anywhere;margin:0;color:var(--text);background:transparent;border:0;padding:0;unicode-bidi:plaintext;text-align:left}
.odin .error{margin-top:12px;border-top:1px solid var(--line);padding-top:12px}
.odin .error b{color:var(--tone);font-weight:600}
.odin summary{cursor:pointer}
.odin summary:focus-visible{outline:2px solid var(--busy);outline-offset:2px;border-radius:4px}
.odin .card details>summary,.odin .body details>summary{display:flex;align-items:center;gap:6px;min-height:44px;color:var(--busy);
font-size:13px;list-style:none}
.odin details>summary::-webkit-details-marker{display:none}
.odin details>summary::after{content:"";flex:none;width:7px;height:7px;margin:0 4px 4px;border:solid var(--dim);border-width:0 2px 2px 0;
transform:rotate(45deg)}
.odin details[open]>summary::after{transform:rotate(-135deg);margin:4px 4px 0}
.odin .head+.card{margin-top:14px}
.odin .links{margin-top:4px;display:flex;flex-wrap:wrap;gap:0 20px}
.odin .links a,.odin .press a:not(.btn){display:inline-flex;align-items:center;min-height:44px}
.odin form{display:grid;gap:12px;margin:16px 0}
.odin label{display:block;color:var(--dim);font-size:13px}
.odin input{display:block;box-sizing:border-box;width:100%;min-height:44px;margin-top:4px;padding:6px 12px;font:inherit;font-size:16px;
color:var(--text);background:transparent;border:1px solid var(--quiet);border-radius:6px}
.odin .answers{display:grid;gap:16px}
.odin .answers .btn{width:100%}
.odin .answers p{color:var(--dim);font-size:13px;line-height:1.4;margin-top:6px}
.odin .columns{display:none}
.odin .row{border:1px solid var(--line);border-left:3px solid var(--tone);border-radius:8px;background:var(--card);margin:0 0 8px}
.odin .row>summary{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:2px 10px;align-items:baseline;
padding:11px 14px;list-style:none}
.odin .row>summary::after{grid-column:3;grid-row:1}
.odin .id{grid-row:1;font-weight:600;font-variant-numeric:tabular-nums}
.odin .word{grid-row:1;color:var(--tone)}
.odin .text{grid-column:1/-1;overflow-wrap:anywhere;unicode-bidi:plaintext;text-align:left}
.odin .text small{unicode-bidi:plaintext;text-align:left}
.odin .facts{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:0 14px;color:var(--dim);font-size:13px;font-variant-numeric:tabular-nums}
.odin .facts>span:empty{display:none}
.odin .meter{display:block;height:4px;border-radius:2px;background:var(--cell);margin:6px 0 2px;max-width:260px}
.odin .meter span{display:block;height:4px;border-radius:2px;background:var(--busy)}
.odin .strip{display:flex;align-items:flex-end;gap:1px;height:16px;margin:6px 0 2px;max-width:420px}
.odin .strip span{flex:1 1 0;min-width:1px;height:10px;border-radius:1px;background:var(--cell) linear-gradient(var(--good),var(--good)) no-repeat bottom}
.odin .strip .running{box-shadow:inset 0 3px var(--busy)}
.odin .strip .failed{height:16px;box-shadow:inset 0 6px var(--bad)}
.odin .body{padding:0 14px 12px}
.odin .press{display:flex;flex-wrap:wrap;align-items:center;gap:4px 20px;margin-top:8px}
.odin .trail{list-style:none;margin:4px 0 0;padding:0}
.odin .trail li{position:relative;margin:0;padding:0 0 14px 20px;border-left:2px solid var(--line);margin-left:4px}
.odin .trail li:last-child{border-left-color:transparent;padding-bottom:4px}
.odin .trail li::before{content:"";position:absolute;left:-6px;top:5px;width:10px;height:10px;border-radius:50%;background:var(--tone)}
.odin .trail .said{white-space:pre-line;unicode-bidi:plaintext;text-align:left}
.odin .trail .said b{color:var(--tone);font-weight:600}
.odin .trail .error{margin-top:8px;border:0;padding:0}
.odin .previewed{margin:12px 0 0}
.odin .previewed table,.odin .previewed tbody{display:block;width:100%;border-collapse:collapse;font-size:13.5px;background:transparent}
.odin .previewed thead{display:none}
.odin .previewed tr{display:flex;flex-wrap:wrap;gap:0 12px;padding:10px 0;border-top:1px solid var(--line)}
.odin .previewed td,.odin .previewed th{display:block;padding:0;border:0;color:var(--text);background:transparent;text-align:left}
.odin .previewed td:empty{display:none}
.odin .previewed td.text{flex:1 1 100%;color:var(--dim)}
.odin .previewed .number{font-variant-numeric:tabular-nums}
.odin .previewed td[data-unit]::after{content:" " attr(data-unit);color:var(--dim)}
.odin .previewed .write{color:var(--warn);font-weight:600}
.odin .outcome{margin-top:12px}
.odin .outcome b{color:var(--tone);font-weight:600}
.odin ul{margin:8px 0 0;padding-left:18px;color:var(--dim);font-size:13px}
.odin .promise{margin-top:10px}
.odin .close{float:right;margin:-4px -4px 0 12px}
.odin .older>p:first-child{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:8px 14px;margin:0 0 12px;color:var(--dim)}
.odin .turn{display:flex;flex-wrap:wrap;gap:8px}
.odin .more{padding:4px 0 14px;color:var(--dim)}
.odin .foot{margin-top:14px;color:var(--dim);font-size:12px}
.odin .foot+.foot{margin-top:2px}
@container (min-width:560px){
.odin form{grid-template-columns:2fr 1fr}
.odin .answers{grid-template-columns:1fr 1fr;gap:16px 20px}
.odin .row>summary{grid-template-columns:auto auto minmax(0,1fr) auto}
.odin .row>summary::after{grid-column:4}
.odin .facts{grid-column:3;grid-row:1;justify-content:flex-end}
}
@container (min-width:880px){
.odin .head{grid-template-columns:auto minmax(0,1fr) auto}
.odin .detail{grid-column:2;grid-row:1}
.odin .count{grid-column:3}
.odin .btn{min-height:34px}
.odin .card{padding:16px 20px}
.odin input{min-height:36px;font-size:14px}
.odin .answers{grid-template-columns:repeat(4,1fr)}
.odin .answers .btn{width:auto;min-width:104px}
.odin .card details>summary,.odin .body details>summary,.odin .links a,.odin .press a:not(.btn){min-height:32px}
.odin .columns,.odin .row>summary{display:grid;grid-template-columns:48px 148px minmax(0,1fr) 134px 96px 116px 16px;gap:0 14px;
align-items:baseline;padding:10px 8px}
.odin .columns{color:var(--dim);font-size:12px;padding:6px 8px;border-bottom:1px solid var(--line)}
.odin .row{margin:0;border:0;border-bottom:1px solid var(--line);border-radius:0;background:transparent}
.odin .row[open],.odin .row>summary:hover{background:var(--card)}
.odin .row>summary::after{grid-column:7}
.odin .text{grid-column:3;grid-row:1}
.odin .facts{display:contents}
.odin .facts>span{color:var(--text);font-size:14px;grid-row:1}
.odin .facts>span:nth-child(1){grid-column:4}.odin .facts>span:nth-child(2){grid-column:5}.odin .facts>span:nth-child(3){grid-column:6}
.odin .word .dim{display:block;padding-left:15px;font-size:13px}
.odin .body{padding:2px 8px 16px 70px}
.odin .previewed table{display:table}
.odin .previewed thead{display:table-header-group}
.odin .previewed tbody{display:table-row-group}
.odin .previewed tr{display:table-row}
.odin .previewed td,.odin .previewed td:empty,.odin .previewed th{display:table-cell;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
.odin .previewed th{font-weight:500;font-size:12px;color:var(--dim);white-space:nowrap}
.odin .previewed .number{text-align:right;white-space:nowrap}
.odin .previewed td[data-unit]::after{content:none}
.odin .previewed td.text{width:60%;color:var(--text)}
.odin .previewed th:first-child{width:60px}
}
@media (pointer:coarse){.odin .btn,.odin input,.odin summary,.odin .links a,.odin .press a{min-height:44px}}
`;

export type Theme = 'light' | 'dark';

/** Not escaped: the content of <style> is read as it is. Nothing in it comes from outside. */
export const styleSheet = (theme: Theme): Html =>
  new Html(`.odin{${variables(theme === 'dark' ? DARK : LIGHT)}}${SHEET.replaceAll('\n', '')}`);
