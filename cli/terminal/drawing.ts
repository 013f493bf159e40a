// What may be drawn on a stream: colour, and a spinner. "Is a terminal" is less than "can be drawn on".

/** As much of a stream as decides. In a pipe there is neither. */
export interface Screen {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write: (text: string) => unknown;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';

/**
 * NO_COLOR (https://no-color.org) counts before FORCE_COLOR (https://force-color.org), of which 0 and false say no; without either,
 * a terminal has colour that is not dumb.
 */
export function wantsColour(screen: Screen, environment: Environment = process.env): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (isSet(NO_COLOR)) return false;
  if (isSet(FORCE_COLOR)) return !/^(0|false)$/i.test(FORCE_COLOR ?? '');
  return screen.isTTY === true && TERM !== 'dumb';
}

/**
 * Whether lines can be drawn over. A CI's terminal is a file that is read later; one of 0 columns (`docker exec -t`, editors) has
 * nobody who looks at it yet.
 */
export function canBeDrawnOn(screen: Screen, environment: Environment = process.env): boolean {
  const { TERM, CI } = environment;
  const inCi = isSet(CI) && !/^(0|false)$/i.test(CI ?? '');
  return screen.isTTY === true && (screen.columns ?? 0) > 0 && TERM !== 'dumb' && !inCi;
}

/**
 * Whether a text may be a link (OSC 8): FORCE_HYPERLINK says so, or with 0 that it may not, as `supports-hyperlinks` takes it; without
 * it a terminal that can be drawn on, in colour.
 */
export function takesLinks(screen: Screen, environment: Environment = process.env): boolean {
  const { FORCE_HYPERLINK } = environment;
  if (FORCE_HYPERLINK !== undefined) return FORCE_HYPERLINK === '' || Number.parseInt(FORCE_HYPERLINK, 10) !== 0;
  return canBeDrawnOn(screen, environment) && wantsColour(screen, environment);
}

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 80;
const ERASE_LINE = '\r\u001b[2K';
const SHOW_CURSOR = '\u001b[?25h';

/** One line of its own below everything else. It draws now and then, and holds nothing up. It hides no cursor that a signal could lose. */
export class Spinner {
  text: string;
  readonly #screen: Screen;
  readonly #paint: (text: string) => string;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(screen: Screen, text: string, paint: (text: string) => string) {
    this.#screen = screen;
    this.text = text;
    this.#paint = paint;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#draw();
    }, FRAME_MS).unref();
    this.#draw();
  }

  stop(): void {
    if (!this.#timer) return;
    this.#screen.write(ERASE_LINE + SHOW_CURSOR); // whoever hid it before
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** For a line that somebody is about to print. */
  clear(): void {
    if (this.#timer) this.#screen.write(ERASE_LINE);
  }

  /** A line that is wider than the terminal would be two, of which the next frame erases one. */
  #draw(): void {
    const { columns = 0 } = this.#screen;
    if (columns === 0) return; // it was made narrower meanwhile
    const frame = FRAMES.charAt(this.#frame++ % FRAMES.length);
    this.#screen.write(`${ERASE_LINE}${this.#paint(frame)} ${this.text.slice(0, Math.max(0, columns - 3))}`);
  }
}
