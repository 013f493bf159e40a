// Who may do what to an environment from outside: the policies of docs/configuration.md, for a role in the same CDK app.
import { Stack } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { EnvironmentId } from '../core/names/names.ts';
import { parameterPath, systemFunctionName } from '../core/names/names.ts';
import { migrationFunctions } from './dashboard.ts';
import { functionArn } from './functions.ts';
import type { MachineNames } from './state-machine.ts';

export interface GrantedParts extends EnvironmentId {
  ledger: IBucket;
  machine: MachineNames;
  /** The name of its stack. */
  stack: string;
  /** ARNs of the topics that tell the operators, or a pattern. */
  topics: readonly string[];
  /** Their ids; any when undefined. */
  migrations: readonly string[] | undefined;
}

/** Each method is a row of the table in docs/configuration.md, and includes what it needs of the rows above. */
export class MigrationsGrants {
  private readonly scope: Construct;
  private readonly parts: GrantedParts;

  /** Made by the constructs of this package. */
  constructor(scope: Construct, parts: GrantedParts) {
    this.scope = scope;
    this.parts = parts;
  }

  /** To look: `status`, `history`, `check --deployed`. */
  read(grantee: IGrantable): Grant {
    const { ledger, machine, topics } = this.parts;
    const stack = Stack.of(this.scope);
    const parameters = stack.formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: `${parameterPath(this.parts).slice(1)}*`,
    });
    const stacks = stack.formatArn({
      service: 'cloudformation',
      resource: 'stack',
      resourceName: `${this.parts.stack}/*`,
    });
    const grants = [
      add(grantee, ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'], [parameters]),
      add(grantee, ['cloudformation:DescribeStacks'], [stacks]),
      add(grantee, ['s3:ListBucket'], [ledger.bucketArn]),
      add(grantee, ['s3:GetObject'], [ledger.arnForObjects('*')]),
      add(grantee, ['states:DescribeExecution'], [machine.executions]),
      add(grantee, ['sns:GetTopicAttributes'], topics),
      this.invoke(grantee, [systemFunctionName(this.parts, 'list-pending')]),
    ];
    const decrypt = ledger.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return together(decrypt ? [...grants, decrypt] : grants);
  }

  /** For a pipeline: `run --wait`. */
  run(grantee: IGrantable): Grant {
    return together([this.read(grantee), add(grantee, ['states:StartExecution'], [this.parts.machine.arn])]);
  }

  /** `preview`, for those who may run what is pending anyway: who may invoke a migration's function can start it by hand. */
  preview(grantee: IGrantable): Grant {
    const ids = this.parts.migrations ?? Array.from({ length: 10 }, (_, digit) => String(digit));
    return together([this.run(grantee), this.invoke(grantee, migrationFunctions(this.parts, ids))]);
  }

  /** `resume`, `cancel`, `tune`, `dashboard`, and the widget in the console. */
  decide(grantee: IGrantable): Grant {
    const names = (['resume', 'dashboard'] as const).map((name) => systemFunctionName(this.parts, name));
    return together([this.read(grantee), this.invoke(grantee, names)]);
  }

  /** `baseline`: to declare, once, which migrations ran before this system knew of them. */
  baseline(grantee: IGrantable): Grant {
    return together([this.read(grantee), this.invoke(grantee, [systemFunctionName(this.parts, 'baseline')])]);
  }

  private invoke(grantee: IGrantable, names: string[]): Grant {
    return add(
      grantee,
      ['lambda:InvokeFunction'],
      names.map((name) => functionArn(this.scope, name)),
    );
  }
}

const add = (grantee: IGrantable, actions: string[], resourceArns: readonly string[]): Grant =>
  Grant.addToPrincipal({ grantee, actions, resourceArns: [...resourceArns] });

const together = (grants: Grant[]): Grant => grants.reduce((all, grant) => all.combine(grant));
