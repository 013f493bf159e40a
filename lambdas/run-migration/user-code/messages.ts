// Messages on a stream, each a line of JSON. Not by Node.js's readline, for which U+2028 ends a line, and which has no limit.
import { StringDecoder } from 'node:string_decoder';

/**
 * The process's file descriptors for it, each message a line of JSON. Not Node.js's own IPC: there, a line that is no JSON is an
 * error that nothing can catch, in the function.
 */
export const CHANNEL = { write: 3, read: 4 } as const;
/** The file descriptor of the one pipe more that a process may have. */
export const PIPE = 5;

export const written = (message: object): string => `${JSON.stringify(message)}\n`;

/** In UTF-16 units: far more than a preview tells. What has no end must not fill the memory. */
const MAX_MESSAGE = 4 * 1024 * 1024;

export class MessageReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #hear: (message: unknown) => void;
  #rest: string[] = [];
  #length = 0;

  /** @param hear is given undefined for what is no JSON, or too long */
  constructor(hear: (message: unknown) => void) {
    this.#hear = hear;
  }

  write(chunk: Buffer): void {
    const [first = '', ...others] = this.#decoder.write(chunk).split('\n');
    this.#add(first);
    for (const text of others) {
      this.#message();
      this.#add(text);
    }
    if (this.#length > MAX_MESSAGE) this.#message();
  }

  /** A message without its line end was cut off: it is not heard. */
  end(): void {
    this.#rest = [];
  }

  #add(text: string): void {
    this.#rest.push(text);
    this.#length += text.length;
  }

  #message(): void {
    const text = this.#rest.join('');
    this.#rest = [];
    this.#length = 0;
    this.#hear(parse(text));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
