// A value that a deployment alone knows (a token of CDK's) is not shown to a migration's file when it is evaluated: a text comes in
// its place, which the file may put into its permissions and variables, whole.

/** What the permissions of a file may be made of; a placeholder for what only a deployment knows. */
export interface Given {
  /** Of the environment. */
  variables: Record<string, string>;
  account: string;
  region: string;
  partition: string;
}

/** Letters of both cases, and brackets that no name and no policy has: whatever changes it leaves something of it. */
export const placeholderOf = (name: string): string => `⟦odinToken.${name}⟧`;

export const PLACEHOLDER = /⟦odinToken\.([\w.]+)⟧/g;
/** What is left of one that was cut, put into other letters, or escaped. */
const TRACE = /[⟦⟧]|%E2%9F%A[67]|odin.?token/i;

export const hasPlaceholder = (text: string): boolean => TRACE.test(text);

/** Whether there is one in the text that is not whole, or none of those that were given. */
export const hasChangedPlaceholder = (text: string, given: Given): boolean => {
  const all = new Set([...Object.values(given.variables), given.account, given.region, given.partition]);
  return TRACE.test(text.replaceAll(PLACEHOLDER, (whole) => (all.has(whole) ? '' : whole)));
};

/** @param valueOf by the name that placeholderOf was called with */
export const withoutPlaceholders = (text: string, valueOf: (name: string) => string): string =>
  text.replaceAll(PLACEHOLDER, (_, name: string) => valueOf(name));

/** Nothing is known. */
export const NOTHING_GIVEN: Given = {
  variables: {},
  account: placeholderOf('account'),
  region: placeholderOf('region'),
  partition: placeholderOf('partition'),
};
