// The JSON Schemas of docs/events.md, as the reader of an event would use them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { OdinEvent } from '../../core/contract/events.ts';

const TEXT = readFileSync(path.resolve(import.meta.dirname, '../../docs/events.md'), 'utf8');

export interface DocumentedSchema {
  required: string[];
  properties: Record<string, unknown>;
}

export function documentedSchema(type: OdinEvent['type']): DocumentedSchema {
  const block = [...TEXT.matchAll(/^```json (.+)\n([\s\S]*?)^```$/gm)].find(([, label]) => label === type)?.[2];
  if (block === undefined) throw new Error(`docs/events.md has no schema of ${type}`);
  return JSON.parse(block) as DocumentedSchema;
}

/** Fails for a detail that the documented schema does not allow, or that has a field that it does not name. */
export function assertDocumented({ type, detail }: OdinEvent): void {
  const schema = documentedSchema(type);
  z.fromJSONSchema(schema as never).parse(detail);
  const unknown = Object.keys(detail).filter((field) => !(field in schema.properties));
  if (unknown.length > 0) throw new Error(`docs/events.md does not name ${unknown.join(', ')} of ${type}`);
}
