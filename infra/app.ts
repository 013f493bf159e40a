// The CDK app that cdk.json names. `-c environment=odin-dev` synthesises that one alone.
import path from 'node:path';
import { asOdinError, errorLines } from '../core/errors.ts';
import { addEnvironments, deployedApp } from './build-app.ts';
import { CONTEXT_KEY, parseConfiguration } from '../project/configuration.ts';

try {
  const app = deployedApp();
  const configuration = parseConfiguration(app.node.tryGetContext(CONTEXT_KEY));
  const only: unknown = app.node.tryGetContext('environment');
  addEnvironments({
    app,
    projectDirectory: path.resolve(import.meta.dirname, '..'),
    configuration,
    only: typeof only === 'string' ? only : undefined,
  });
  app.synth();
} catch (thrown) {
  const error = asOdinError(thrown);
  // An Internal error is a defect of ours: its stack is what helps.
  if (error.code === 'Internal') throw thrown;
  process.stderr.write(`${error.code}: ${errorLines(error).join('\n  ')}\n`);
  process.exitCode = 1;
}
