import { App, Stage } from 'aws-cdk-lib';
import { ShopStack } from './shop-stack.ts';

const app = new App();
new ShopStack(new Stage(app, 'dev'), 'Shop', { environmentName: 'odin-dev' });
// A branch runs the same files on a ledger of its own, which goes with its stack.
new ShopStack(new Stage(app, 'branch'), 'Shop', { environmentName: 'pr-12', filesOf: 'odin-dev', isTemporary: true });
