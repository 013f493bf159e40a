// The application's own stack: a bucket, and the migrations that work on what is in it.
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { Migrations } from 'odin-migrate';

interface ShopProps {
  environmentName: string;
  /** The environment whose files it runs; its own when left out. */
  filesOf?: string;
  isTemporary?: boolean;
}

export class ShopStack extends Stack {
  readonly migrations: Migrations;

  constructor(scope: Construct, id: string, { environmentName, filesOf = environmentName, isTemporary }: ShopProps) {
    super(scope, id);
    const orders = new Bucket(this, 'Orders', { encryption: BucketEncryption.KMS });
    this.migrations = new Migrations(this, 'Migrations', {
      environmentName,
      directory: `migrations/${filesOf}`,
      variables: { DATA_BUCKET: orders.bucketName },
      // What a file asks for by name: export const access = ['orders']
      access: { orders: (migration) => orders.grantReadWrite(migration) },
      subscriptions: [new EmailSubscription('shop-operators@example.com')],
      removalPolicy: isTemporary ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
  }
}
