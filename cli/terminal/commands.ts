// The next command to type, with the options that this command was given to find the environment.
import type { Command, Next, Where } from '../../core/text/command.ts';
import { commandLine, nextText } from '../../core/text/command.ts';

let where: Where = {};

/** From now on commands are printed for this place. */
export function typeFor(place: Where): void {
  where = place;
}

export const typed = (command: Command): string => commandLine(command, where);

export const typedNext = (next: Next): string => nextText(next, where);
