// Whatever JavaScript can throw, in words. An error is known by its shape: one of another realm, of another copy of a library, or that
// was sent from elsewhere is no `instanceof Error`, and has its name and message all the same.

import { withoutSecrets } from './text/secrets.ts';

interface ErrorShape {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  stack?: unknown;
  cause?: unknown;
  /** Of an AggregateError. */
  errors?: unknown;
  /** Of a SuppressedError: what was thrown, and what had been thrown before and would be lost. */
  error?: unknown;
  suppressed?: unknown;
  /** Of an error of the AWS SDK. */
  $metadata?: unknown;
}

/**
 * What was asked of AWS under a request's id, `DELETE https://bucket.s3.eu-west-1.amazonaws.com/key`; undefined when it is not known,
 * and nothing where a reader knows it.
 */
export type AskedOf = (requestId: string) => string | undefined;

/** An error with what it was caused by, the errors that it gathers among them; each once, the outermost first. */
export interface Link {
  /** `caused by `, `2 of 3: `; empty of the outermost. */
  label: string;
  thrown: unknown;
}

/** So many are named: a chain may be as long as a list of objects that could not be deleted. */
const MAX_LINKS = 10;

export function isError(thrown: unknown): thrown is ErrorShape {
  if (typeof thrown !== 'object' || thrown === null) return false;
  const isText = (part: keyof ErrorShape) => typeof partOf(thrown, part) === 'string';
  // Its stack is made when it is read, by source maps: a twentieth of what a copy costs that begins with a look at nothing.
  const isNamed = isText('name') && (isText('message') || isOfAws(thrown));
  return isNamed || isText('stack') || kindOf(thrown) === '[object Error]';
}

const isOfAws = (error: ErrorShape): boolean => typeof (partOf(error, '$metadata') ?? undefined) === 'object';

/** Of another realm, too. */
function kindOf(thrown: object): string | undefined {
  try {
    return Object.prototype.toString.call(thrown);
  } catch {
    return undefined; // a proxy that was revoked
  }
}

/** A getter, or a proxy, may throw: what the other parts say is told all the same. */
export function partOf(error: object, part: string): unknown {
  try {
    return (error as Record<string, unknown>)[part];
  } catch {
    return undefined;
  }
}

/**
 * `name: message` of an error, with its causes; one line for anything, as far as the texts in it are one; without what looks like a
 * credential.
 */
export const describeThrown = (thrown: unknown, askedOf?: AskedOf): string =>
  withoutSecrets(
    linksOf(thrown)
      .map(({ label, thrown: each }) => label + describeOne(each, askedOf))
      .join('; '),
  );

export function linksOf(thrown: unknown): Link[] {
  const links: Link[] = [];
  const seen = new Set<unknown>();
  const follow = (label: string, each: unknown) => {
    if (seen.has(each) || links.length >= MAX_LINKS) return;
    if (typeof each === 'object') seen.add(each);
    links.push({ label, thrown: each });
    if (!isError(each)) return;
    const errors = gatheredIn(each);
    for (const [index, one] of errors.entries()) follow(`${index + 1} of ${errors.length}: `, one);
    if (partOf(each, 'name') === 'SuppressedError') {
      follow('thrown last: ', partOf(each, 'error'));
      follow('thrown before: ', partOf(each, 'suppressed'));
    }
    const cause = partOf(each, 'cause');
    if (cause !== undefined && cause !== null && cause !== '') follow('caused by ', cause);
  };
  follow('', thrown);
  return links;
}

/** Empty of one that gathers none, and of a list that cannot be read. */
function gatheredIn(error: ErrorShape): unknown[] {
  try {
    const errors = partOf(error, 'errors');
    return Array.isArray(errors) ? [...(errors as unknown[])] : [];
  } catch {
    return [];
  }
}

/** Of one link: its name is apart where records have it so. */
export function describeOne(thrown: unknown, askedOf?: AskedOf): string {
  if (typeof thrown === 'string') return thrown;
  if (typeof thrown === 'number') return String(thrown); // JSON has no NaN
  const describe = (error: unknown) => {
    if (!isError(error)) return undefined;
    const message = messageOf(error, askedOf);
    return message === '' ? nameOf(error) : `${nameOf(error)}: ${message}`;
  };
  for (const way of [describe, asJson, String]) {
    try {
      const text = way(thrown);
      if (text !== undefined) return text;
    } catch {
      // This way fails: a getter throws, it is circular, or it is a revoked proxy. The next way is tried.
    }
  }
  return 'something that cannot be described';
}

/** Undefined where JSON would show nothing of it: of a Map, a Response, an object of a class. */
function asJson(thrown: unknown): string | undefined {
  const text = JSON.stringify(thrown, (key, value: unknown) =>
    key !== '' && isError(value) ? describeOne(value) : value,
  ) as string | undefined;
  if (text !== '{}') return text;
  const { constructor } = thrown as object;
  if (typeof constructor !== 'function' || constructor === Object) return text;
  const own = String(thrown); // of a RegExp, and of whatever else has words for itself
  return own.startsWith('[object ') ? `${constructor.name} {}` : own;
}

/** Without its prototype, the first line of its stack alone has it. Libraries put other things there than text. */
export function nameOf(error: ErrorShape): string {
  const name = partOf(error, 'name');
  if (name !== undefined && name !== null && name !== '') return describeOne(name); // types promise that it is text
  const stack = partOf(error, 'stack'); // made when it is read, as above
  return (
    (typeof stack === 'string' ? /^([A-Za-z_$][\w$.]*(?:Error|Exception))\b/.exec(stack)?.[1] : undefined) ?? 'Error'
  );
}

/** With the code that it has no words for, and what of AWS was asked. */
export function messageOf(error: ErrorShape, askedOf?: AskedOf): string {
  const [code, said] = [partOf(error, 'code'), partOf(error, 'message')];
  const message = said === undefined ? '' : describeOne(said);
  const known =
    typeof code === 'string' && code !== '' && code !== partOf(error, 'name') && !message.includes(code) ? [code] : [];
  const about = [...known, ...awsDetails(error, askedOf)];
  if (message === '') return about.length === 0 && typeof code === 'number' ? `code ${code}` : about.join(', ');
  return about.length === 0 ? message : `${message} (${about.join(', ')})`;
}

/** `Access Denied` alone does not say to what. */
function awsDetails(error: ErrorShape, askedOf: AskedOf | undefined): string[] {
  const metadata = partOf(error, '$metadata');
  if (typeof metadata !== 'object' || metadata === null) return [];
  const [httpStatusCode, requestId] = [partOf(metadata, 'httpStatusCode'), partOf(metadata, 'requestId')];
  const asked = askedOf?.(typeof requestId === 'string' ? requestId : '');
  const named = (what: string, part: string) => {
    const value = partOf(error, part);
    return typeof value === 'string' && value !== '' ? [`${what} ${value}`] : [];
  };
  return [
    ...(typeof httpStatusCode === 'number' ? [`HTTP ${httpStatusCode}`] : []),
    ...(asked === undefined
      ? [...named('bucket', 'BucketName'), ...named('key', 'Key'), ...named('resource', 'Resource')]
      : [asked].filter((text) => text !== '')),
  ];
}
