// The next command to type, with the options that this command was given to find the environment.
import type { OdinError } from '../../core/errors.ts';
import { errorLines } from '../../core/errors.ts';
import type { Command, Where } from '../../core/text/command.ts';
import { commandLine } from '../../core/text/command.ts';

let place: Where = {};

/** From now on commands are printed for this place. */
export function typeFor(where: Where): void {
  place = where;
}

export const where = (): Where => place;

export const typed = (command: Command): string => commandLine(command, place);

export const typedError = (error: OdinError): string[] => errorLines(error, place);
