// Who may use a server that listens on this machine. Any page in the user's browser reaches it, and so does any other user of the
// machine: so it goes by its own name only (DNS rebinding), and by a secret that nobody else was told.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Whether it asks for this server by a name of its own. */
export function isForThisServer({ headers, socket }: IncomingMessage): boolean {
  const port = socket.localPort ?? 0;
  return [`127.0.0.1:${port}`, `localhost:${port}`].includes(headers.host ?? '');
}

/** Compared in a time that says nothing about the expected one. */
export function isSecret(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
