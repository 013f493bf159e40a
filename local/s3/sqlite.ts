// Node.js's own SQLite. Node.js 22 warns of it as an experiment, which looks like an error to whoever only types a command.
const given = Object.getOwnPropertyDescriptor(process, 'emitWarning') ?? {};
const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;

process.emitWarning = (...args: unknown[]): void => {
  if (!String(args[0]).startsWith('SQLite is an experimental feature')) emitWarning(...args);
};
/** Loaded here, and not by an import, which would be before anything else. */
export const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
Object.defineProperty(process, 'emitWarning', given);
