import fc from 'fast-check';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EXIT, exitCodeOf } from '../../cli/terminal/exit-codes.ts';
import {
  duration,
  errorText,
  hanging,
  link,
  plain,
  print,
  printError,
  printJson,
  table,
  textLines,
} from '../../cli/terminal/output.ts';
import { meanings } from '../../core/decision/meanings.ts';
import { OdinError } from '../../core/errors.ts';

describe('duration', () => {
  const [S, MIN, H] = [1_000, 60_000, 3_600_000];
  it.each([
    [0, '0.0 s'],
    [40, '0.0 s'],
    [400, '0.4 s'],
    [12_340, '12.3 s'],
    [59_900, '59.9 s'],
    [MIN, '1 min 00 s'],
    [4 * MIN + 5 * S, '4 min 05 s'],
    [4 * MIN + 5 * S + 999, '4 min 05 s'],
    [H - 1, '59 min 59 s'],
    [H, '1 h 00 min'],
    [2 * H + 7 * MIN + 59 * S, '2 h 07 min'],
    [30 * H, '30 h 00 min'],
  ])('%i ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('never gets shorter when the time gets longer', () => {
    const secondsOf = (text: string) =>
      [...text.matchAll(/([\d.]+) (h|min|s)/g)].reduce(
        (sum, [, value, unit]) => sum + Number(value) * (unit === 'h' ? 3_600 : unit === 'min' ? 60 : 1),
        0,
      );
    fc.assert(
      fc.property(fc.nat(10 * H), fc.nat(10 * H), (a, b) => {
        expect(Math.sign(secondsOf(duration(a)) - secondsOf(duration(b))) * Math.sign(a - b)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('a table', () => {
  const COLUMNS = [
    { heading: 'ID' },
    { heading: 'DESCRIPTION', least: 10 },
    { heading: 'STATE' },
    { heading: 'TOOK', leaveOut: 2 },
    { heading: 'BY', leaveOut: 1 },
  ];
  const rowOf = (...texts: string[]) => texts.map((text) => ({ text }));
  const ROWS = [
    rowOf('0001', 'Move the objects of 2025 to the archive', 'applied', '4.0 s', 'alice (verified)'),
    rowOf('0002', '删除旧的分区', 'halted', '', ''),
  ];

  it.each([
    [Infinity, 'Move the objects of 2025 to the archive', []],
    [70, 'Move the objects of 2025 to t…', []],
    [50, 'Move the…', []],
    [49, 'Move the objects of 2025 t…', ['BY']],
    [33, 'Move the o…', ['BY']],
    [25, 'Move the…', ['TOOK', 'BY']],
  ])('of %d columns fits, and says what it has left out', (room, description, leftOut) => {
    const found = table(COLUMNS, ROWS, room);
    expect(found.leftOut).toEqual(leftOut);
    expect(found.lines[1]).toContain(`0001  ${description}`);
  });

  it('counts what is two columns wide as two', () => {
    const [, first = '', second = ''] = table(COLUMNS, ROWS).lines;
    const at = first.indexOf('applied');
    expect(second.indexOf('halted')).toBe(at - '删除旧的分区'.length);
  });

  it('has no column without a text', () => {
    expect(table(COLUMNS, [rowOf('0001', 'One', 'pending', '', '')]).lines).toEqual([
      'ID    DESCRIPTION  STATE',
      '0001  One          pending',
    ]);
  });
});

describe('plain', () => {
  it.each([
    ['as it is: ä € 日本語 \u{1F9A5}', 'as it is: ä € 日本語 \u{1F9A5}'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]8;;https://example.com\u0007link\u001b]8;;\u0007', 'link'],
    ['one\r\ntwo\n\n\tthree', 'one two three'],
    ['over\rwritten', 'over written'],
    ['back\b\b\b\bspace', 'back space'],
    ['line\u2028paragraph\u2029end', 'line paragraph end'],
    ['\u009b2Jone byte escapes too', 'one byte escapes too'],
    ['half an escape \u001b', 'half an escape'],
    ['turned \u202egnp.exe\u202c around', 'turned gnp.exe around'],
    ['  around \n', 'around'],
    ['', ''],
  ])('of %j is %j', (text, expected) => {
    expect(plain(text)).toBe(expected);
  });

  it('has no control character and no line break, whatever the text', () => {
    const hostile = fc.string({
      unit: fc.constantFrom(
        '\u001b',
        '[',
        ']',
        '2',
        'J',
        'm',
        ';',
        '\u0007',
        '\u009b',
        '\n',
        '\r',
        '\u0000',
        '\u2028',
        'a',
      ),
    });
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        expect(plain(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
      }),
    );
  });
});

describe('an error', () => {
  it('has a line for each of its own, without what a terminal acts on', () => {
    const message = 'could not delete\ncaused by Access\u001b[2JDenied: no\r\n\n    indented';
    expect(errorText({ name: 'Error', message })).toEqual([
      'Error: could not delete',
      'caused by AccessDenied: no',
      '    indented',
    ]);
  });

  it('of many lines, or long ones, says that there is more, and keeps what is at its end: what caused it', () => {
    const lines = errorText({ name: 'E', message: Array.from({ length: 100 }, (_, n) => `line ${n}`).join('\n') });
    expect(lines).toHaveLength(12);
    expect(lines.slice(7)).toEqual([
      'line 7',
      '… 89 more lines, which the ledger has …',
      'line 97',
      'line 98',
      'line 99',
    ]);
    expect(errorText({ name: 'E', message: 'm'.repeat(4_000) })[0]).toMatch(/^E: m{396}…$/);
  });
});

describe('a text of several lines', () => {
  it('keeps them, and their indentation', () => {
    expect(textLines('{\n  "a": 1,\n\t"b": 2\n}\n\n')).toEqual(['{', '  "a": 1,', '  "b": 2', '}']);
    expect(textLines('')).toEqual(['']);
  });
});

describe('printing', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });
  function written(stream: 'stdout' | 'stderr', work: () => void): string {
    const lines: string[] = [];
    const spy = vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      lines.push(String(text));
      return true;
    });
    work();
    spy.mockRestore();
    return lines.join('');
  }

  it('of a line ends it', () => {
    expect(written('stdout', () => print('a line'))).toBe('a line\n');
    expect(written('stdout', () => print())).toBe('\n');
  });

  it('of JSON has nothing that a terminal acts on, and is the same JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (hostile) => {
        const text = written('stdout', () => printJson([hostile, '\u009b2J\u202e\u2028\u007f']));
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
        expect(JSON.parse(text)).toEqual([hostile, '\u009b2J\u202e\u2028\u007f']);
      }),
    );
  });

  it('of an error says code and what, why, and what to type, each on a line of its own', () => {
    const parts = { code: 'OutOfOrder', source: 'user', what: 'What\n\u001b[2Jhappened.' } as const;
    const full = new OdinError({ ...parts, why: 'Why.', next: 'Type this.' });
    // eslint-disable-next-line no-control-regex -- the colours of a terminal, when there is one
    const colourless = (text: string) => text.replace(/\u001b\[\d+m/g, '');
    expect(colourless(written('stderr', () => printError(full)))).toBe(
      'OutOfOrder: What happened.\n  Why.\n  Type this.\n',
    );
    expect(colourless(written('stderr', () => printError(new OdinError(parts))))).toBe('OutOfOrder: What happened.\n');
  });
});

describe('exit codes', () => {
  it('are the documented numbers', () => {
    expect(EXIT).toEqual({ done: 0, wrong: 1, halted: 2, refused: 3, failed: 4 });
  });

  it.each([
    'OutOfOrder',
    'HaltedElsewhere',
    'AlreadyDecided',
    'AttemptSucceeded',
    'NothingHalted',
    'OtherHalt',
    'OtherCode',
    'ReasonMissing',
  ])('of %s is 3: refused', (code) => {
    expect(exitCodeOf(code)).toBe(3);
  });

  it.each(['BadUsage', 'BadConfiguration', 'NotDeployed', 'UnknownEnvironment', 'Internal', 'FAILED', ''])(
    'of %j is 1: wrong',
    (code) => {
      expect(exitCodeOf(code)).toBe(1);
    },
  );
});

describe('a link', () => {
  const URL = 'https://console.aws.amazon.com/states#/v2/executions';
  const OSC = '\u001b]8;;';
  const ENDS = '\u001b\\';
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
  const printed = (line: string) => {
    const texts: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => texts.push(String(text)) > 0);
    print(line);
    return texts.join('');
  };

  it('is printed where links are taken, and is the text elsewhere', () => {
    vi.stubEnv('FORCE_HYPERLINK', '1');
    expect(printed(`see ${link('0004', URL)} now`)).toBe(`see ${OSC}${URL}${ENDS}0004${OSC}${ENDS} now\n`);
    expect(link('0004', undefined)).toBe('0004');
    expect(link('0004', 'https://a.example/\u0007')).toBe('0004');
    vi.stubEnv('FORCE_HYPERLINK', '0');
    expect(link('0004', URL)).toBe('0004');
  });

  it("of somebody else's text is none", () => {
    vi.stubEnv('FORCE_HYPERLINK', '1');
    expect(printed(`see ${OSC}https://evil.example/${ENDS}0004`)).toBe('see 0004\n');
  });

  it('leaves a table as wide as it is', () => {
    const columns = [{ heading: 'ID' }, { heading: 'STATE' }];
    const rows = (paint: (text: string) => string) => [[{ text: '0004', paint }, { text: 'applied' }]];
    const plainly = table(
      columns,
      rows((text) => text),
      20,
    ).lines;
    vi.stubEnv('FORCE_HYPERLINK', '1');
    const linked = table(
      columns,
      rows((text) => link(text, URL)),
      20,
    ).lines;
    expect(linked.map(plain)).toEqual(plainly);
    expect(linked[1]).toContain(URL);
  });
});

describe('a choice at a halt', () => {
  const choices = [...meanings('failed'), ...meanings('unrecorded')].map(
    ({ decision, meaning }) => `${decision.padEnd(13)} ${meaning}`,
  );

  it.each([60, 80, 100])('fits a terminal of %d columns, what goes on below behind its decision', (columns) => {
    const { isTTY, columns: before } = process.stdout;
    Object.assign(process.stdout, { isTTY: true, columns });
    onTestFinished(() => void Object.assign(process.stdout, { isTTY, columns: before }));
    for (const choice of choices) {
      const [first = '', ...more] = hanging(choice, 16, 2);
      expect(first.length + 2).toBeLessThanOrEqual(columns);
      expect(more.every((line) => /^ {16}\S/.test(line) && line.length <= columns)).toBe(true);
      expect([first, ...more.map((line) => line.trim())].join(' ')).toBe(choice);
    }
    expect(hanging(choices[0] ?? '', 16, 2)).toHaveLength(columns === 60 ? 3 : 2);
  });

  it('is one line where nobody says how wide it may be', () => {
    for (const choice of choices) expect(hanging(choice, 16, 2)).toEqual([choice]);
  });
});
