// What looks like a credential is masked in texts of others: an error's text goes to mails, chats and records that stay for good.
// What a thing is called (`password=`) or how it is made (a JWT, a key of AWS) gives it away. Names of objects, ARNs, hashes, commits
// and UUIDs are left as they are: without them an error says nothing.

/** In place of what was masked. */
export const MASK = '***';

/** @param text of any size: each pattern looks at a bounded number of characters from where it begins */
export const withoutSecrets = (text: string): string => MASKS.reduce((masked, mask) => mask(masked), text);

const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,50}-----|$)/g;

/** `postgres://user:password@host`: up to the last @ of the authority. A password may have a slash in it, a port has not. */
const IN_URL =
  /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/?#@"'<>[]{0,200}:)(?:[^\s/?#"'<>]{1,500}@|(?!\d{1,5}(?:[/?#]|$))[^\s"'<>]{1,200}?@)/gi;
/** `https://token@host` */
const TOKEN_IN_URL = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s:/?#@"'<>]{20,500}@/gi;

/** What has digits, both cases or padding is no word. */
const NO_WORD = '(?=[^\\s"\']{0,200}(?:\\d|[a-z][A-Z]|=))';
const AUTHORIZATION = new RegExp(
  `(authorization\\\\?["']?\\s{0,5}[:=]\\s{0,5}\\\\?["'[]{0,2})` +
    `(?:AWS4-HMAC-SHA256[^\\r\\n"'\\\\\\]}]{1,8000}|(?:[\\w-]{1,20}\\s{1,3})?(?!\\w+:)${NO_WORD}[^\\s"'\\\\,;\\]}]{8,8000})`,
  'gi',
);
const COOKIE = /(cookie\\?["']?\s{0,5}[:=]\s{0,5}\\?["'[]{0,2})[^\r\n"'\\\]}]{1,8000}/gi;
const SCHEME = new RegExp(`\\b((?:Bearer|Basic|Digest|Token)\\s{1,5})${NO_WORD}[\\w.~+/=-]{8,8000}`, 'g');

const NAMES =
  '(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|signature|\\bsig|\\botp|api[-_ ]?key|session[-_ ]?id|' +
  '(?:access|account|private|secret|shared|signing|encryption|master|auth|ssh)[-_ ]?key)';
/** Within an ARN a colon does not say what something is. */
const NOT_IN_ARN = '(?<!\\barn:[^\\s"\']{0,300})';
const QUOTED = `\\\\"[^"\\\\\\r\\n]{1,4000}|"(?:[^"\\\\\\r\\n]|\\\\[^\\r\\n]){1,4000}|'[^'\\r\\n]{1,4000}`;
const NAMED = new RegExp(
  `${NAMES}${NOT_IN_ARN}(?<separator>(?:[-_]?value)?\\\\?["']?\\s{0,5}(?:=>?|:)\\s{0,5})` +
    `(?<value>${QUOTED}|[^\\s&;"'<>\\\\]{0,4000}[^\\s&;"'<>\\\\,.)}\\]:])`,
  'gi',
);
/** `--password hunter2` */
const OPTION = new RegExp(`(--[\\w-]{0,40}${NAMES}\\s{1,5})(?!-)[^\\s"']{1,4000}`, 'gi');

const PATTERNS: readonly RegExp[] = [
  /\beyJ[\w-]{5,8000}\.[\w-]{2,8000}(?:\.[\w-]{0,8000}){0,3}/g, // a JWT, a JWE
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}\b/g, // an access key of AWS
  /(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz)[\w+/=%-]{20,8000}/g, // a session token of AWS
  /\b(?:AQC\w)?AAAAKgAAAA[A-Z]AAAAA[\w+/=]{20,8000}/g, // a task token of Step Functions
  /\bgh[opsur]_\w{30,300}|\bgithub_pat_\w{20,300}|\bglpat-[\w-]{20,300}|\bnpm_[A-Za-z0-9]{30,300}/g,
  /\bxox[a-z]-[\w-]{10,300}|hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{10,300}/g,
  /\b[srp]k_(?:live|test)_\w{10,300}|\bsk-[\w-]{20,300}|\bAIza[\w-]{35}|\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g,
];

/** Forty characters of base64 in no order: a secret access key. Names of objects are made of words, and hashes know no case. */
const FORTY = /(?<![\w+/.-])[A-Za-z0-9+/]{40}(?![\w+/=-])/g;

const MASKS: readonly ((text: string) => string)[] = [
  (text) => text.replace(PRIVATE_KEY, MASK),
  (text) => text.replace(IN_URL, `$1${MASK}@`).replace(TOKEN_IN_URL, `$1${MASK}@`),
  (text) => text.replace(AUTHORIZATION, `$1${MASK}`).replace(COOKIE, `$1${MASK}`).replace(SCHEME, `$1${MASK}`),
  (text) => text.replace(NAMED, maskNamed),
  (text) => text.replace(OPTION, `$1${MASK}`),
  (text) => PATTERNS.reduce((masked, pattern) => masked.replace(pattern, MASK), text),
  (text) => text.replace(FORTY, (key) => (isSecretKey(key) ? MASK : key)),
];

function maskNamed(found: string, ...rest: unknown[]): string {
  const { separator = '', value = '' } = rest.at(-1) as { separator?: string; value?: string };
  const [, quote = '', bare = ''] = /^(\\?["']?)(.*)$/s.exec(value) ?? [];
  if (NOTHING.test(bare) || (separator.includes(':') && quote === '' && isProse(found, bare))) return found;
  return `${found.slice(0, found.length - value.length)}${quote}${MASK}`;
}

/** `Unexpected token: identifier` says what is wrong; `password: correcthorse` says a password. */
const isProse = (found: string, value: string): boolean =>
  !/^(?:pass[wpc]|pwd)/i.test(found) && /^(?:[a-z]+|\d{1,4}|\W+)$/.test(value);

/** A value that is none, a reference to one, or was masked before. */
const NOTHING = /^(?:undefined|null|none|true|false|\*+|arn:.*)$/is;

/** Random characters fall into about twenty words of one kind of character each; a path or a long name into fewer. */
function isSecretKey(text: string): boolean {
  const isRandom = (text.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).length > 10;
  return isRandom && /[a-z]/.test(text) && /[A-Z]/.test(text) && text.split('/').length <= 6;
}
