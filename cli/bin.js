#!/usr/bin/env node
// What `bin` of the installed package leads to. Old syntax, so that a Node.js that cannot read the rest can say what is needed.
var needed = '22.18';
var found = process.versions.node.split('.').map(Number);

if (found[0] < 22 || (found[0] === 22 && found[1] < 18) || found[0] === 23) {
  console.error(
    'odin-migrate needs Node.js ' +
      needed +
      ' or a later one of 22, or 24 and later; this is ' +
      process.versions.node +
      '.',
  );
  console.error('  Install one of these, e.g. with a version manager: nvm install 24');
  process.exitCode = 1;
} else {
  import('node:module')
    .then(function (module) {
      module.enableCompileCache(); // half of a short command's time is compiling
      return import('../command-line.mjs');
    })
    .then(function (commandLine) {
      return commandLine.main(process.argv.slice(2));
    })
    .then(function (exitCode) {
      process.exitCode = exitCode;
    });
}
