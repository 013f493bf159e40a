// The floor of synth: a stack of as many functions with inline code, and the CDK's own validation.
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';

const app = new App();
const stack = new Stack(app, 'Floor');
for (let n = 1; n <= Number(process.argv[2]); n += 1) {
  new LambdaFunction(stack, `Function${n}`, {
    code: Code.fromInline('exports.handler = async () => undefined;'),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  });
}
app.synth();
