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
  $metadata?: { httpStatusCode?: unknown; requestId?: unknown } | undefined;
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
  const { message, name, stack } = thrown as ErrorShape;
  return typeof stack === 'string' || (typeof message === 'string' && typeof name === 'string');
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
    try {
      if (!isError(each)) return;
      const { errors, error, suppressed, cause } = each;
      if (Array.isArray(errors)) {
        for (const [index, one] of errors.entries()) follow(`${index + 1} of ${errors.length}: `, one);
      }
      if (each.name === 'SuppressedError') {
        follow('thrown last: ', error);
        follow('thrown before: ', suppressed);
      }
      if (cause !== undefined && cause !== null) follow('caused by ', cause);
    } catch {
      // A getter of it throws. What is known of it is enough.
    }
  };
  follow('', thrown);
  return links;
}

/** Of one link: its name is apart where records have it so. */
export function describeOne(thrown: unknown, askedOf?: AskedOf): string {
  if (typeof thrown === 'string') return thrown;
  const describe = (error: unknown) => {
    if (!isError(error)) return undefined;
    const message = messageOf(error, askedOf);
    return message === '' ? nameOf(error) : `${nameOf(error)}: ${message}`;
  };
  for (const way of [describe, JSON.stringify as (value: unknown) => string | undefined, String]) {
    try {
      const text = way(thrown);
      if (text !== undefined) return text;
    } catch {
      // This way fails: a getter throws, it is circular, or it is a revoked proxy. The next way is tried.
    }
  }
  return 'something that cannot be described';
}

/** Without its prototype, the first line of its stack alone has it. Libraries put other things there than text. */
export function nameOf({ name, stack }: ErrorShape): string {
  if (name !== undefined && name !== null && name !== '') return textOf(name);
  return (
    (typeof stack === 'string' ? /^([A-Za-z_$][\w$.]*(?:Error|Exception))\b/.exec(stack)?.[1] : undefined) ?? 'Error'
  );
}

/** With the code that it has no words for, and what of AWS was asked. */
export function messageOf(error: ErrorShape, askedOf?: AskedOf): string {
  const { code } = error;
  const message = error.message === undefined ? '' : textOf(error.message);
  const known = typeof code === 'string' && code !== '' && code !== error.name && !message.includes(code) ? [code] : [];
  const about = [...known, ...awsDetails(error, askedOf)];
  if (message === '') return about.join(', ');
  return about.length === 0 ? message : `${message} (${about.join(', ')})`;
}

/** `Access Denied` alone does not say to what. */
function awsDetails(error: ErrorShape, askedOf: AskedOf | undefined): string[] {
  const { $metadata: metadata } = error;
  if (typeof metadata !== 'object') return [];
  const { httpStatusCode, requestId } = metadata;
  const asked = askedOf?.(typeof requestId === 'string' ? requestId : '');
  const said = error as ErrorShape & Record<'BucketName' | 'Key' | 'Resource', unknown>;
  const named = (what: string, value: unknown) =>
    typeof value === 'string' && value !== '' ? [`${what} ${value}`] : [];
  return [
    ...(typeof httpStatusCode === 'number' ? [`HTTP ${httpStatusCode}`] : []),
    ...(asked === undefined
      ? [...named('bucket', said.BucketName), ...named('key', said.Key), ...named('resource', said.Resource)]
      : [asked].filter((text) => text !== '')),
  ];
}

/** Types promise that names and messages are text. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : describeOne(value));
