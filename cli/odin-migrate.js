#!/usr/bin/env node
// Starts the command line on the Node.js that the project pins, which runs TypeScript as it is. Plain JavaScript, so that
// whatever Node.js the machine has can read it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const main = path.join(here, 'main.ts');

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache(); // half of a short command's time is compiling the AWS SDK and our TypeScript
  const { main: run } = await import(pathToFileURL(main).href);
  process.exitCode = await run(process.argv.slice(2));
} else {
  const pinned = path.join(here, '..', 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(pinned)) {
    console.error(
      `The Node.js that this project pins is not installed.\n  ${howToInstall(path.join(here, '..', 'node_modules'))}`,
    );
    process.exit(1);
  }
  const work = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // It holds the port and the lock: who ends this process means that one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !isAtTerminal()) work.kill(signal);
    });
  }
  work.on('exit', (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
}

/** "npm ci" again, as it was typed, would change nothing. */
function howToInstall(packages) {
  if (existsSync(path.join(packages, 'node')))
    return 'Its install script did not run (ignore-scripts). Type "npm rebuild node --ignore-scripts=false" in the project folder.';
  if (existsSync(packages))
    return 'Packages for development were left out (NODE_ENV=production, omit=dev). Type "npm ci --include=dev" in the project folder.';
  return 'Type "npm ci" in the project folder first.';
}

/** There Ctrl-C reaches both by itself, and a second one would mean "at once". */
function isAtTerminal() {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , terminalGroup] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return group === terminalGroup;
  } catch {
    return process.stdin.isTTY === true; // no /proc says it
  }
}
