// Writes a file of the project.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';

/**
 * @param file from the project's folder; the folders above it are made
 * @param flag `wx` for a file that must not be there yet
 * @throws OdinError BadUsage when it cannot be written
 */
export function writeProjectFile(directory: string, file: string, text: string, flag: 'w' | 'wx'): void {
  const to = path.resolve(directory, file);
  try {
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, text, { flag });
  } catch (cause) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `${file} cannot be written: ${describeThrown(cause)}.`,
      next: 'Type it where the project may be written.',
      cause,
    });
  }
}
