import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Screen } from '../../cli/terminal/drawing.ts';
import { canBeDrawnOn, Spinner, takesLinks, wantsColour } from '../../cli/terminal/drawing.ts';

const screen = (more: Partial<Screen> = {}): Screen & { written: string[] } => {
  const written: string[] = [];
  const write = (text: unknown) => {
    written.push(String(text));
    return true;
  };
  return { isTTY: true, columns: 80, write, written, ...more };
};
const pipe = () => screen({ isTTY: undefined, columns: undefined });

describe('colour', () => {
  it.each([
    ['a terminal', {}, true, false],
    ['NO_COLOR', { NO_COLOR: '1' }, false, false],
    ['NO_COLOR of no text, which says nothing', { NO_COLOR: '' }, true, false],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, true, true],
    ['FORCE_COLOR=3', { FORCE_COLOR: '3' }, true, true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, false, false],
    ['FORCE_COLOR=false', { FORCE_COLOR: 'false' }, false, false],
    ['FORCE_COLOR of no text', { FORCE_COLOR: '' }, true, false],
    ['both', { NO_COLOR: '1', FORCE_COLOR: '1' }, false, false],
    ['TERM=dumb', { TERM: 'dumb' }, false, false],
    ['TERM=dumb with FORCE_COLOR', { TERM: 'dumb', FORCE_COLOR: '1' }, true, true],
    ['a CI', { CI: 'true' }, true, false],
    ['a CI whose terminal is dumb', { CI: 'true', TERM: 'dumb' }, false, false],
  ])('of %s', (_, environment, atTerminal, inPipe) => {
    expect(wantsColour(screen(), environment)).toBe(atTerminal);
    expect(wantsColour(pipe(), environment)).toBe(inPipe);
  });
});

describe('a link', () => {
  it.each([
    ['a terminal', screen(), {}, true],
    ['a pipe', pipe(), {}, false],
    ['a CI', screen(), { CI: 'true' }, false],
    ['a dumb one', screen(), { TERM: 'dumb' }, false],
    ['one of 0 columns', screen({ columns: 0 }), {}, false],
    ['NO_COLOR', screen(), { NO_COLOR: '1' }, false],
    ['FORCE_HYPERLINK=1 in a pipe', pipe(), { FORCE_HYPERLINK: '1' }, true],
    ['FORCE_HYPERLINK of no text, in a CI', screen(), { FORCE_HYPERLINK: '', CI: 'true' }, true],
    ['FORCE_HYPERLINK=0', screen(), { FORCE_HYPERLINK: '0' }, false],
  ])('at %s', (_, where, environment, expected) => {
    expect(takesLinks(where, environment)).toBe(expected);
  });
});

describe('lines are drawn over', () => {
  it.each([
    ['at a terminal', screen(), {}, true],
    ['not at one of 0 columns', screen({ columns: 0 }), {}, false],
    ['not at one that does not say its columns', screen({ columns: undefined }), {}, false],
    ['not at a dumb one', screen(), { TERM: 'dumb' }, false],
    ['not in a CI', screen(), { CI: 'true' }, false],
    ['where CI says no', screen(), { CI: 'false' }, true],
    ['not in a pipe', pipe(), {}, false],
    ['not in a pipe, whatever colour it wants', pipe(), { FORCE_COLOR: '1' }, false],
  ])('%s', (_, where, environment, expected) => {
    expect(canBeDrawnOn(where, environment)).toBe(expected);
  });
});

describe('a spinner', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is one line that fits, and writes nothing but that', () => {
    const at = screen({ columns: 12 });
    const spinner = new Spinner(at, 'a text that is too long', (text) => text);
    spinner.start();
    vi.advanceTimersByTime(200);
    expect(at.written).toEqual(['\r\u001b[2K⠋ a text th', '\r\u001b[2K⠙ a text th', '\r\u001b[2K⠹ a text th']);
    spinner.stop();
    expect(at.written.at(-1)?.startsWith('\r\u001b[2K')).toBe(true);
    spinner.stop();
    vi.advanceTimersByTime(1_000);
    expect(at.written).toHaveLength(4);
  });

  it('waits where a terminal was made so small that it has no columns', () => {
    const at = screen();
    const spinner = new Spinner(at, 'busy', (text) => text);
    spinner.start();
    at.columns = 0;
    vi.advanceTimersByTime(10_000);
    expect(at.written).toHaveLength(1);
    spinner.stop();
  });
});
