// The peer of synth: one NodejsFunction of the CDK for each migration of the project, with the SDK in it, as ours have.
import { readdirSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

const folder = 'migrations/bench';
const app = new App();
const stack = new Stack(app, 'Peer');
for (const file of readdirSync(folder)) {
  new NodejsFunction(stack, `Function${file.slice(0, 4)}`, {
    entry: `${folder}/${file}`,
    handler: 'migration',
    runtime: Runtime.NODEJS_24_X,
    depsLockFilePath: 'package-lock.json',
    bundling: { minify: true, sourceMap: true, format: OutputFormat.ESM, bundleAwsSDK: true },
  });
}
app.synth();
