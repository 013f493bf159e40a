// An environment that another stack, or another app, has made: what can be said of it from its name.
import { Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct, type IConstruct } from 'constructs';
import { assertEnvironmentId } from '../core/names/identifiers.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { parameterName, stackName } from '../core/names/names.ts';
import { openHaltHours } from './alarms.ts';
import { given } from './functions.ts';
import { MigrationsGrants } from './grants.ts';
import { namesOfMachine } from './state-machine.ts';

/** An environment, made here or elsewhere. */
export interface IMigrations extends IConstruct {
  readonly stateMachine: IStateMachine;
  /** The bucket that holds what was done. Its policy denies to change it. */
  readonly ledger: IBucket;
  /** What others may do to it: one method for each row of the table in docs/configuration.md. */
  readonly grants: MigrationsGrants;
  /** For how many hours the oldest halt has been open, measured every 15 minutes; 0 while none is. */
  metricOpenHaltHours(options?: MetricOptions): Metric;
}

/** What another app has to know of an environment that it cannot look up. */
export interface MigrationsAttributes {
  readonly environmentName: string;
  /** @default - the environment has none */
  readonly app?: string | undefined;
  readonly ledgerBucketName: string;
  /** Of its stack, which tells the commands where it is. @default - the name that `odin-migrate synth` gives */
  readonly stackName?: string | undefined;
}

export class ImportedMigrations extends Construct implements IMigrations {
  readonly stateMachine: IStateMachine;
  readonly ledger: IBucket;
  readonly grants: MigrationsGrants;
  private readonly of: EnvironmentId;

  constructor(scope: Construct, id: string, { environmentName, app, ledgerBucketName, ...more }: MigrationsAttributes) {
    super(scope, id);
    this.of = { app, environment: environmentName };
    const machine = namesOfMachine(this, this.of);
    this.stateMachine = StateMachine.fromStateMachineArn(this, 'StateMachine', machine.arn);
    this.ledger = Bucket.fromBucketName(this, 'Ledger', ledgerBucketName);
    const stack = more.stackName ?? stackName(this.of);
    this.grants = new MigrationsGrants(this, {
      ...this.of,
      ledger: this.ledger,
      machine,
      stack,
      topics: [Stack.of(this).formatArn({ service: 'sns', resource: `${stack}-*` })], // CloudFormation names them
      migrations: undefined,
    });
  }

  metricOpenHaltHours(options?: MetricOptions): Metric {
    return openHaltHours(this.of, options);
  }
}

/** @throws OdinError BadEnvironmentName, BadConfiguration for a name that no environment can have */
export function importByName(
  scope: Construct,
  id: string,
  environmentName: string,
  app: string | undefined,
): IMigrations {
  const of = { app, environment: environmentName };
  assertEnvironmentId(of);
  const ledgerBucketName = StringParameter.valueForStringParameter(scope, parameterName(of, 'ledger'));
  return new ImportedMigrations(scope, id, { environmentName, ledgerBucketName, ...given({ app }) });
}
