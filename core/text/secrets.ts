// What looks like a credential is masked in texts of others: an error's text goes to mails, chats and records that stay for good.
// What a thing is called (`password=`) or how it is made (a JWT, a key of AWS) gives it away. Names of objects, ARNs, hashes, commits
// and UUIDs are left as they are: without them an error says nothing.

/** In place of what was masked. */
export const MASK = '***';

/** @param text of any size: each pattern looks at a bounded number of characters from where it begins */
export const withoutSecrets = (text: string): string => MASKS.reduce((masked, mask) => mask(masked), text);

const PRIVATE_KEY =
  /-----? ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?[\s\S]*?(?:-----? ?END [A-Z0-9 ]{0,50}-----?|$)|\bPuTTY-User-Key-File-\d[\s\S]*/g;
/** The same in a URL or a form. */
const ENCODED_KEY =
  /(?:-|%2D){4,5}BEGIN(?:\+|%20)(?:[A-Z0-9]{1,20}(?:\+|%20)){0,4}PRIVATE(?:\+|%20)KEY[\s\S]*?(?:END(?:\+|%20)[\w%+]{0,50}(?:-|%2D){4,5}|$)/g;

/** `postgres://user:password@host`: up to the last @ of the authority. A password may have a slash in it, a port has not. */
const IN_URL =
  /((?:\b[a-z][a-z0-9+.-]{0,30}:|(?<![\w:/.]))\/\/[^\s:/?#@"'<>[]{0,200}:)(?:[^\s/?#"'<>]{1,500}@|(?!\d{1,5}(?:[/?#]|$))[^\s"'<>]{1,200}?@)/gi;
/** `https://token@host` */
const TOKEN_IN_URL = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s:/?#@"'<>]{20,500}@/gi;

/** `smtps://user@example.com:password@host` */
const OF_ADDRESS_IN_URL = /(:\/\/[^\s:/?#@"'<>[]{1,100}@[^\s:/?#@"'<>[]{1,100}:)[^\s/?#@"'<>]{1,200}@/g;
/** `postgres%3A%2F%2Fuser%3Apassword%40host` */
const IN_ENCODED_URL = /(%3A%2F%2F[^\s%"'&]{0,200}%3A)(?!\d{1,5}%2F)[^\s"'&]{1,300}?%40/gi;
/** `jdbc:oracle:thin:scott/tiger@host` */
const OF_ORACLE =
  /(\bjdbc:oracle:\w{1,10}:[^\s:/@"'<>]{1,100}\/|\bsql(?:plus|ldr)\s{1,5}(?:-\S{1,20}\s{1,5}){0,3}[^\s:/@"'<>-][^\s:/@"'<>]{0,100}\/)[^\s"'<>]{1,200}?@/gi;
/**
 * `user:password@host`, `root:password@tcp(10.0.0.1)`. Not `mailto:a@example.com` and the like, which have an address of a person and no
 * port, an image by its digest, what has a version there, nor an id of IAM with the name of a session.
 */
const NO_USER =
  'mailto|from|to|cc|bcc|reply-to|e-?mail|mail|contact|user(?:name)?|login|member|group|principal|owner|author|by|for|sub|upn|acct|account|' +
  'serviceaccount|domain|id|sips?|xmpp|A[A-Z]{3}[A-Z0-9]{12,}';
const BARE = new RegExp(
  '(?<![\\w:/.@%+~-])(?!(?:arn|urn|npm|workspace|patch|portal|link|file|git):)' +
    `(?!(?:${NO_USER}):[^\\s@]{1,200}@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,8}(?![\\w-]|\\.\\w|:\\d|\\())` +
    '([a-z_][\\w.+%-]{0,63}:)(?!\\d{1,5}@|\\*)[^\\s/?#@"\'<>,;(){}[\\]|\\\\]{1,200}@' +
    '(?=(?!(?:v\\d{1,5}|latest|next|main|head)(?![\\w.-]))(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[a-z][\\w-]{0,63})(?:\\.[\\w-]{1,63}){0,8}(?::\\d{2,5}(?![\\w.])|[/(]|(?![\\w:@%-])))',
  'gi',
);

/** What has digits, both cases or padding is no word. */
const NO_WORD = '(?=[^\\s"\']{0,200}(?:\\d|[a-z][A-Z]|=))';
const AUTHORIZATION = new RegExp(
  `(authorization\\\\?["']?\\s{0,5}[:=]\\s{0,5}\\\\?["'[]{0,2})` +
    `(?:AWS4-HMAC-SHA256[^\\r\\n"'\\\\\\]}]{1,8000}|(?:Digest|OAuth|Hawk)\\s(?:\\w{1,20}=(?:\\\\?"[^"\\\\]{0,4000}\\\\?"|[^\\s,"]{1,4000})[,\\s]{0,5}){1,20}|(?:[\\w-]{1,20}\\s{1,3})?(?!\\w+:)${NO_WORD}[^\\s"'\\\\,;\\]}]{8,8000})`,
  'gi',
);
const COOKIE = /(cookie2?\\?["']?\s{0,5}[:=]\s{0,5}\\?["']?)(?![[{\s])[^\r\n"'\\\]}]{1,8000}/gi;
const SCHEME = new RegExp(
  `\\b((?:Bearer|Basic|Digest|Token|NTLM|Negotiate|ApiKey)\\s{1,5})${NO_WORD}[\\w.~+/=-]{8,8000}`,
  'g',
);

const NAMES =
  '(?:(?<!\\b(?:by|com|encom|over|sur|tres|under))pass(?:wor[dt]|wd|phrase|code)?|pwd|(?:\\b|_|bind)pw|mot[-_ ]de[-_ ]passe|' +
  'contrase[ñn]a|kennwort|wachtwoord|(?:one[- ]time|verification|mfa)[- _]?code|code[-_]?verifier|SAMLResponse|client[-_]assertion|' +
  '\\b_auth|secret|token|credentials?|signature|\\bsig|\\botp|api[-_ ]?key|sess(?:ion)?[-_ ]?id|connect\\.sid|' +
  '(?:access|account|private|secret|shared|signing|encryption|master|auth|ssh)[-_ ]?key)';
/** Within an ARN a colon does not say what something is, nor does an equals sign in the key of an object (`…/token=12/part-0.parquet`). */
const NOT_IN_NAME = '(?<!\\b(?:arn:[^\\s"\']{0,300}|s3://[^\\s"\',;?&]{0,300}))';
const QUOTED = `\\\\"[^"\\\\\\r\\n]{1,4000}|"(?:[^"\\\\\\r\\n]|\\\\[^\\r\\n]){1,4000}|'[^'\\r\\n]{1,4000}`;
/** What may be said of it behind its name: `SecretString`, `password2` */
const OF_NAME = '(?:[-_]?(?:value|string|binary|text|hash|pem|base|confirm(?:ation)?|\\d{1,2}))?';
/** `["…"]`, `{ "value": "…" }`, and `u'…'` of Python */
const IN_BRACKETS = `(?:(?:[ub]|\\[\\s{0,5}|\\{\\s{0,5}\\\\?["']?value\\\\?["']?\\s{0,5}:\\s{0,5})(?=\\\\?["']))?`;
const NAMED = new RegExp(
  `${NAMES}${NOT_IN_NAME}(?<separator>${OF_NAME}(?:\\\\?["']|%22|%27)?\\s{0,5}(?:[:!]?={1,3}>?|:|%(?:25)?3[AD])\\s{0,5}(?:[|>][-+]?\\s{1,5})?${IN_BRACKETS})` +
    `(?<value>${QUOTED}|(?<==)\\{[^{}\\r\\n]{1,400}\\}|[^\\s&;"'<>\\\\]{0,4000}[^\\s&;"'<>\\\\,.)}\\]:])`,
  'gi',
);
/** `"tokens": ["…", "…"]`, `credentials: { user: '…', … }` */
const LISTED = new RegExp(
  `(?<=(?:${NAMES}${OF_NAME}|cookie|authorization)s?${NOT_IN_NAME}\\\\?["']?\\s{0,5}[:=]\\s{0,5}[{[])[^{}[\\]]{1,4000}`,
  'gi',
);
/** In it; also one that was cut off. */
const STRING =
  /(?<quote>\\"|["'])(?<text>(?<=\\")[^"\\\r\n]{0,4000}|(?<=")(?:[^"\\\r\n]|\\[^\r\n]){0,4000}|(?<=')(?:[^'\\\r\n]|\\[^\r\n]){0,4000})(?:\k<quote>|$)(?<named>\s{0,5}:)?/g;
/** `password is hunter2`, `Password for bob: hunter2`, `API key provided: 0f8e…` */
const TOLD = new RegExp(
  `(\\b(?:[Pp]ass(?:word|phrase|code)|[Ss]ecret)\\s{1,3}(?:is|was|for\\s[^\\s:]{1,100}:)\\s{1,3}|\\b[Aa](?:pi|PI)[-_ ]?[Kk]ey(?:\\s{1,3}\\w{1,20}:)?\\s{1,3}(?=[\\w-]{16}))` +
    `${NO_WORD}[^\\s"']{1,4000}`,
  'g',
);
/** `--password hunter2`, `--from-literal=what=hunter2` */
const OPTION = new RegExp(
  `(--[\\w-]{0,40}${NAMES}\\s{1,5}(?!-)|--from-literal[= ][\\w.-]{1,100}=)[^\\s"']{1,4000}`,
  'gi',
);
/** `<password>hunter2</password>` */
const TAG = new RegExp(`(<[\\w:.-]{0,40}${NAMES}[\\w:.-]{0,10}>)[^<]{1,4000}(?=<)`, 'gi');
/** `"name": "PASSWORD", "value": "…"`, `'x-api-key', '…'`, `identified by '…'`, `setPassword('…')` */
const BESIDE = new RegExp(
  `((?:${NAMES}[\\w-]{0,20}\\\\?["']\\s{0,5},?\\s{0,5}\\\\?["']?value\\\\?["']?\\s{0,5}[:=]\\s{0,5}|` +
    `["']x-[\\w-]{0,40}(?:key|token|secret)["'],\\s{0,5}|\\b(?:password|identified\\s{1,5}(?:with\\s{1,5}\\S{1,60}\\s{1,5})?(?:by|as))\\s{1,5}|\\b(?:set|with)?pass(?:word|phrase)\\(\\s{0,5})\\\\?["'])` +
    `[^"'\\\\\\r\\n]{1,4000}`,
  'gi',
);
/** `SECRET_ACCESS_KEY '…'` of SQL: in small letters it is a sentence, and what is quoted a name. */
const OF_SQL =
  /(\b(?:SECRET|SECRET_ACCESS_KEY|SESSION_TOKEN|ACCESS_KEY_ID|secret_access_key)\s{1,5}')[^'\r\n]{1,4000}/g;
/** `machine github.com login bob password hunter2` */
const OF_NETRC = /(\blogin\s{1,5}\S{1,100}\s{1,5}password\s{1,5})\S{1,4000}/g;
/** `{"auths":{"ghcr.io":{"auth":"…"}}}` */
const OF_DOCKER = /(\\?"auth\\?"\s{0,5}:\s{0,5}\\?")[\w+/]{8,4000}={0,2}/g;
/** Twelve words and more. */
const OF_WALLET =
  /(\b(?:[Ss]eed|[Rr]ecovery|[Mm]nemonic)(?:[-_ ]?(?:[Pp]hrase|[Ww]ords))?\\?["']?\s{0,5}[:=]\s{0,5}\\?["']?)[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23}/g;
/** `curl -u admin:hunter2`, `mysql -phunter2`, `sshpass -p hunter2`, `zip -P hunter2` */
const OF_PROGRAM =
  /((?:^|\s)(?:-u|--user)[ =]{1,5}[^\s:"'@/]{1,100}:(?!\d{1,10}(?:\s|$)|\/)|\bmysql\w{0,10}\s(?:[^\r\n]{0,300}?\s)?-p(?=[^\s"'-])|\bsshpass\s{1,5}-p\s{0,5}|\b(?:docker\s{1,5}login|snowsql|redis-cli|mongo\w{0,10})\s(?:[^\r\n]{0,300}?\s)?(?:-p|-a)\s{1,5}(?=[^\s"'-])|\b(?:zip|unzip)\s(?:[^\r\n]{0,300}?\s)?-P\s{1,5}(?=[^\s"'-])|\b7z\w?\s(?:[^\r\n]{0,300}?\s)?-p(?=[^\s"'-])|\bsmbclient\s(?:[^\r\n]{0,300}?\s)?-U\s{1,5}[^\s%"']{1,100}%|\bhtpasswd\s{1,5}(?:-\w{1,10}\s{1,5}){0,5}-\w{0,5}b\w{0,5}\s{1,5}\S{1,200}\s{1,5}\S{1,100}\s{1,5}|\bvault\s{1,5}login\s{1,5}(?=[^\s"'-]{8})|\baws\s{1,5}configure\s{1,5}set\s{1,5}\S{0,100}(?:secret_access_key|session_token)\s{1,5})[^\s"']{1,4000}/g;

const PATTERNS: readonly RegExp[] = [
  /\beyJ[\w-]{5,8000}\.[\w-]{2,8000}(?:\.[\w-]{0,8000}){0,3}/g, // a JWT, a JWE
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}\b/g, // an access key of AWS
  /(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz)[\w+/=%-]{20,8000}/g, // a session token of AWS
  /\b(?:AQC\w)?AAAAKgAAAA[A-Z]AAAAA[\w+/=]{20,8000}/g, // a task token of Step Functions
  /\bgh[opsur]_\w{30,300}|\bgithub_pat_\w{20,300}|\bgl(?:pat|ptt|dt|rt|cbt|soat)-[\w-]{20,300}|\bnpm_[A-Za-z0-9]{30,300}/g,
  /\b(?:xox[a-z]|xapp)[-.][\w-]{10,300}|hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{10,300}/g,
  /\bdiscord(?:app)?\.com\/api\/webhooks\/[\w/-]{20,300}|\boffice\.com\/webhook(?:b2)?\/[\w/@-]{20,300}/g,
  /\b(?:do[op]_v1|dckr_pat|rubygems|shp(?:at|ca|pa|ss))_[\w-]{20,300}|\bpypi-AgE[\w-]{20,300}|\bhv[bs]\.[\w-]{20,300}|\bya29\.[\w-]{20,300}/g,
  /\b(?:whsec|hf|glsa|sntry[su]|lin_api)_[\w+/=-]{20,300}|\bATATT3x[\w=-]{20,300}|\bNRAK-[A-Z0-9]{20,60}|\b(?:dapi|key-)[0-9a-f]{32}\b/g,
  /\bSK[0-9a-f]{32}\b|\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}|\bsq0(?:atp|csp)-[\w-]{20,60}/g,
  /\bAGE-SECRET-KEY-1[A-Z0-9]{40,80}/g,
  /\b[srp]k_(?:live|test)_\w{10,300}|\bsk-[\w-]{20,300}|\bAIza[\w-]{35}|\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g,
];

/** Forty characters of base64 in no order: a secret access key. Names of objects are made of words, and hashes know no case. */
const FORTY = /(?<![\w+/.-])[A-Za-z0-9+/]{40}(?![\w+/=-])/g;

const MASKS: readonly ((text: string) => string)[] = [
  (text) => text.replace(PRIVATE_KEY, MASK).replace(ENCODED_KEY, MASK),
  (text) => [IN_URL, TOKEN_IN_URL, OF_ADDRESS_IN_URL, OF_ORACLE, BARE].reduce(maskBefore('@'), text),
  (text) => maskBefore('%40')(text, IN_ENCODED_URL),
  (text) => text.replace(LISTED, maskListed),
  (text) => text.replace(AUTHORIZATION, `$1${MASK}`).replace(COOKIE, `$1${MASK}`).replace(SCHEME, `$1${MASK}`),
  (text) => text.replace(NAMED, maskNamed),
  (text) =>
    [TAG, BESIDE, TOLD, OPTION, OF_PROGRAM, OF_SQL, OF_NETRC, OF_DOCKER, OF_WALLET].reduce(
      (masked, pattern) => masked.replace(pattern, `$1${MASK}`),
      text,
    ),
  (text) => PATTERNS.reduce((masked, pattern) => masked.replace(pattern, MASK), text),
  (text) => text.replace(FORTY, (key) => (isSecretKey(key) ? MASK : key)),
];

const maskBefore =
  (end: string) =>
  (text: string, pattern: RegExp): string =>
    text.replace(pattern, `$1${MASK}${end}`);

/** The values, and not what they are called. */
const maskListed = (inside: string): string =>
  inside.replace(STRING, (found: string, ...parts: unknown[]) => {
    const { quote = '', text = '', named } = parts.at(-1) as { quote?: string; text?: string; named?: string };
    return named !== undefined || text === '' || NOTHING.test(text) ? found : `${quote}${MASK}${quote}`;
  });

function maskNamed(found: string, ...rest: unknown[]): string {
  const { separator = '', value = '' } = rest.at(-1) as { separator?: string; value?: string };
  const [, quote = '', bare = ''] = /^(\\?["']?)(.*)$/s.exec(value) ?? [];
  if (
    NOTHING.test(bare) ||
    (/^pwd/i.test(found) && FOLDER.test(bare)) ||
    (separator.includes(':') && quote === '' && isProse(found, bare))
  )
    return found;
  return `${found.slice(0, found.length - value.length)}${quote}${MASK}`;
}

/** `Unexpected token: identifier` says what is wrong; `password: correcthorse` says a password. */
const isProse = (found: string, value: string): boolean =>
  !/^(?:pass[wpc]|pwd)/i.test(found) && /^(?:[a-z]+|\d{1,4}|\W+)$/.test(value);

/** A value that is none, a reference to one, a place for one in a statement, or was masked before. */
const NOTHING = /^(?:undefined|null|none|true|false|\*+|[[{(]+|arn:.*|\?|\$\d{1,3}|%s)$/is;
/** `PWD=/var/task`, and not `Pwd=/x7f` */
const FOLDER = /^\/(?:(?:app|builds?|github|home|mnt|opt|private|root|srv|tmp|Users|usr|var|workspaces?)(?:\/.*)?)?$/s;

/** Random characters fall into about twenty words of one kind of character each; a path or a long name into fewer. */
function isSecretKey(text: string): boolean {
  const isRandom = (text.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).length > 10;
  return isRandom && /[a-z]/.test(text) && /[A-Z]/.test(text) && text.split('/').length <= 6;
}
