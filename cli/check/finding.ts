// What `odin-migrate check` has to say of a file.

/** An error fails the check; a warning is worth a look (and fails with --strict); a note is for information. */
export type Severity = 'error' | 'warning' | 'note';

export type Rule =
  | 'name'
  | 'completed'
  | 'exports'
  | 'types'
  | 'floating-promise'
  | 'slice-end'
  | 'function-text'
  | 'top-level'
  | 'permissions'
  | 'variables'
  | 'number'
  | 'late'
  | 'changed'
  | 'renumbered'
  | 'halted'
  | 'removed'
  | 'not-deployed'
  | 'quota'
  | 'pending';

export interface Finding {
  environment: string;
  severity: Severity;
  rule: Rule;
  /** Relative to the project; absent when no one file is meant. */
  file?: string | undefined;
  /** From 1. */
  line?: number | undefined;
  column?: number | undefined;
  message: string;
}

/** What is found in one file. */
export type Found = Omit<Finding, 'environment' | 'file'>;
