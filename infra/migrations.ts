// One environment, part by part, in any stack. Each part is made in a file of its own. None is a construct of its own: that would
// put its id into the logical ids of what it holds, and CloudFormation would replace the ledger (test/infra/identity.test.ts).
import { Annotations, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import type { Alarm, Dashboard, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IConnectable, ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Connections, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type {
  AddToPrincipalPolicyResult,
  IGrantable,
  IPrincipal,
  PolicyStatement,
  PrincipalPolicyFragment,
} from 'aws-cdk-lib/aws-iam';
import { AnyPrincipal, PrincipalBase } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic, ITopicSubscription } from 'aws-cdk-lib/aws-sns';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { IDependable } from 'constructs';
import { Construct } from 'constructs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { sha256 } from '../core/ledger/entries.ts';
import { assertEnvironmentId } from '../core/names/identifiers.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { logGroupName, qualifiedName, systemFunctionName, VARIABLES } from '../core/names/names.ts';
import { VERSION } from '../core/names/version.ts';
import { commitOf } from '../project/commit.ts';
import { configurationOf, parseConfiguration, StackFields, Variables } from '../project/configuration.ts';
import { refusePlugAndPlay } from '../project/package.ts';
import type { EnvironmentPlan, PlanOptions } from '../project/plan.ts';
import { planEnvironment } from '../project/plan.ts';
import type { Project } from '../project/project.ts';
import { findProject } from '../project/project.ts';
import { acknowledgeFindings } from './acknowledgements.ts';
import { createAlarms, openHaltHours } from './alarms.ts';
import { checkRemovals } from './check-removals.ts';
import { createConsoleDashboard } from './dashboard.ts';
import { MigrationsGrants } from './grants.ts';
import type { IMigrations, MigrationsAttributes } from './imported.ts';
import { importByName, ImportedMigrations } from './imported.ts';
import { createLedgerBucket, protectLedger } from './ledger-bucket.ts';
import { createLogGroup } from './log-group.ts';
import type { MadeMigration, DeployedMigration, Network } from './migration.ts';
import { createMigrations } from './migration.ts';
import { claimEnvironment, keepLedgerName, registerEnvironment } from './registration.ts';
import { refuseWhatAwsRefuses } from './refused.ts';
import { runOnDeploy } from './run-on-deploy.ts';
import { createStateMachine, namesOfMachine } from './state-machine.ts';
import { ENVIRONMENT_TAG, migrationRoleArn } from './functions.ts';
import type { SystemParts } from './system-functions.ts';
import { createSystemFunctions } from './system-functions.ts';
import { placeholdersFor } from './placeholders.ts';
import { createTopic, eachTopic, letAlarmsPublish } from './topic.ts';
import { createWatch } from './watch-halts.ts';

export interface MigrationsProps {
  /**
   * Lower-case letters, digits and single hyphens; at most 32 characters, and at most 40 with the app. It is part of every name: it
   * is never changed.
   */
  readonly environmentName: string;
  /**
   * Keeps the environments of several repositories in one account apart. It is part of every name: it is never changed.
   * @default - what odin-migrate.json says
   */
  readonly app?: string | undefined;
  /**
   * The folder of its files, relative to `projectRoot`; two environments may share one: `pr-12` those of `odin-dev`.
   * @default - what odin-migrate.json says, or the folder `migrations/<environmentName>`
   */
  readonly directory?: string | undefined;
  /** @default - the folder with the odin-migrate.json: that of the current folder, or the nearest above; else the current folder */
  readonly projectRoot?: string | undefined;
  /**
   * Environment variables of every migration's function, besides those that odin-migrate.json says and before those; what a file
   * says of itself goes before both. Tokens are fine.
   * @default - none
   */
  readonly variables?: Record<string, string> | undefined;
  /**
   * What a file may ask for by name (`export const access = ['data']`), and what grants it. A name that a file asks for and that is
   * not here is an error.
   * @default - none
   */
  readonly access?: Record<string, (migration: DeployedMigration) => void> | undefined;
  /**
   * Where operators are told of a halt, of its end and of an alarm. One that was made elsewhere has to let CloudWatch publish.
   * @default - a topic of its own
   */
  readonly topic?: ITopic | undefined;
  /**
   * Where a chat is told, in the form that Amazon Q Developer shows in Slack and Microsoft Teams: give its channel this topic, and
   * nobody else. One that was made elsewhere has to let CloudWatch publish.
   * @default - no chat is told
   */
  readonly chatTopic?: ITopic | undefined;
  /** Who is told, by `topic`, in plain text. @default - none */
  readonly subscriptions?: ITopicSubscription[] | undefined;
  /**
   * Encrypts the ledger and the topic. One that was made elsewhere has to let CloudWatch's alarms use it.
   * @default - the ledger has S3's own encryption, and the topic none
   */
  readonly encryptionKey?: IKey | undefined;
  /** Where the migrations run; the functions of the run itself stay outside of it. @default - in no VPC */
  readonly vpc?: IVpc | undefined;
  /** @default - CDK's: private subnets with a way out, else isolated ones */
  readonly vpcSubnets?: SubnetSelection | undefined;
  /** Of all migrations together. @default - one is made, which lets everything out */
  readonly securityGroups?: ISecurityGroup[] | undefined;
  /** Of every function. @default Architecture.ARM_64 */
  readonly architecture?: Architecture | undefined;
  /** Of every function: Node.js 24, or Node.js 22 where a region lacks that. @default Runtime.NODEJS_24_X */
  readonly runtime?: Runtime | undefined;
  /** X-Ray, of every function and of the state machine. @default Tracing.ACTIVE */
  readonly tracing?: Tracing | undefined;
  /** How long log groups keep their lines; what happened is in the ledger too, which keeps it. @default RetentionDays.ONE_YEAR */
  readonly logRetention?: RetentionDays | undefined;
  /** An alarm goes off when a halt has waited for a decision for so long. @default Duration.hours(4) */
  readonly haltAlarmAfter?: Duration | undefined;
  /** Whether there are alarms. @default true */
  readonly alarms?: boolean | undefined;
  /** Whether there is a dashboard in CloudWatch's console; `look`: one in which nobody decides or previews. @default true */
  readonly dashboard?: boolean | 'look' | undefined;
  /** Whether the deployment itself starts a run when it is done, unless one is halted; it does not wait for it. @default false */
  readonly runOnDeploy?: boolean | undefined;
  /** What is deployed, as the records name it. @default - git's HEAD, or what the CI system says */
  readonly commit?: string | undefined;
  /** The bucket that was the ledger of this environment before; `odin-migrate adopt` says when. @default - a new one */
  readonly existingLedgerBucketName?: string | undefined;
  /**
   * Of the ledger. DESTROY is for branches and tests: with the ledger goes what was done, and everything is pending again.
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: a first deployment that is rolled back leaves none
   */
  readonly removalPolicy?: RemovalPolicy | undefined;
}

/** What this package alone gives: how a plan is made on this machine and in its own tests. */
export interface InternalProps extends MigrationsProps {
  project?: Project | undefined;
  plan?: ((options: PlanOptions) => EnvironmentPlan) | undefined;
  /** A file may ask there for what only the team's app grants, and native addons are those of this machine. */
  onThisMachine?: boolean | undefined;
}

/** What acknowledges this one and no other, short enough to be typed: CDK prints it below the warning. */
const warningId = (warning: string): string => `odin-migrate:${sha256(warning).slice(0, 8)}`;

/**
 * An environment: its ledger, its state machine, a function for each of its files, and who is told. What is wrong with a file is an
 * error of this construct, which refuses its stack.
 * @throws OdinError for props that are wrong: BadEnvironmentName, BadConfiguration
 */
export class Migrations extends Construct implements IMigrations, IGrantable, IConnectable {
  /** One that another app, or another stack, has made; its ledger is looked up at deployment. */
  static fromEnvironmentName(
    scope: Construct,
    id: string,
    environmentName: string,
    { app }: { app?: string | undefined } = {},
  ): IMigrations {
    return importByName(scope, id, environmentName, app);
  }

  /** As fromEnvironmentName, without a look at anything. */
  static fromMigrationsAttributes(scope: Construct, id: string, attributes: MigrationsAttributes): IMigrations {
    return new ImportedMigrations(scope, id, attributes);
  }

  readonly stateMachine: IStateMachine;
  readonly ledger: IBucket;
  readonly topic: ITopic;
  /** Undefined when no chat is told. */
  readonly chatTopic: ITopic | undefined;
  /** Undefined when there is none. */
  readonly dashboard: Dashboard | undefined;
  /** The dashboard's address in the console. */
  readonly dashboardUrl: string | undefined;
  readonly alarms: readonly Alarm[];
  /** Ascending by id. */
  readonly migrations: readonly DeployedMigration[];
  readonly grants: MigrationsGrants;
  /** All migrations. */
  readonly grantPrincipal: IPrincipal;
  private readonly of: EnvironmentId;
  private readonly network: Network | undefined;
  private readonly run: Construct | undefined;

  constructor(scope: Construct, id: string, props: MigrationsProps) {
    super(scope, id);
    const { project, plan = planEnvironment, onThisMachine = false } = props as InternalProps;
    const {
      removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      logRetention = RetentionDays.ONE_YEAR,
      tracing = Tracing.ACTIVE,
      architecture = Architecture.ARM_64,
      runtime = Runtime.NODEJS_24_X,
      encryptionKey,
    } = props;
    const { directory, configuration } = project ?? projectOf(props.projectRoot);
    const { environmentName: environment, app = configuration.app } = props;
    const of = { app, environment };
    assertEnvironmentId(of);
    assertRuntime(runtime);
    if (!project) assertVariables(props.variables ?? {});
    const settings = configurationOf(configuration, environment);
    const variables = { ...settings.variables, ...props.variables };
    const { given: shown, restore } = placeholdersFor(this, variables);
    const { warnings, problems, bundles, manifest } = plan({
      environment,
      projectDirectory: directory,
      configuration: {
        ...configuration,
        app,
        environments: {
          ...configuration.environments,
          [environment]: { ...settings, directory: props.directory ?? settings.directory },
        },
      },
      given: shown,
      bundling: Stack.of(this).bundlingRequired,
      architecture: onThisMachine ? undefined : architecture.name,
    });
    // On this machine the command that asked for it says them.
    for (const warning of onThisMachine ? [] : warnings) Annotations.of(this).addWarningV2(warningId(warning), warning);
    for (const { message } of problems) Annotations.of(this).addError(message);

    // The claim of a ledger that was there before stands already.
    const isNew = props.existingLedgerBucketName === undefined;
    const claim = isNew ? claimEnvironment(this, of, removalPolicy) : undefined;
    const ledger = createLedgerBucket(this, {
      existingName: props.existingLedgerBucketName,
      encryptionKey,
      removalPolicy,
    });
    if (ledger.emptiedBy !== undefined) {
      const warning = `The ledger of ${qualifiedName(of)} is deleted with its stack: everything is pending again then.`;
      Annotations.of(this).addWarningV2('odin-migrate:ledger-is-deleted', warning);
    }
    this.of = of;
    this.ledger = ledger.bucket;
    this.topic = props.topic ?? createTopic(this, 'Notifications', encryptionKey);
    this.chatTopic = props.chatTopic;
    for (const subscription of props.subscriptions ?? []) this.topic.addSubscription(subscription);
    letAlarmsPublish(this, this.topic, props.topic ? undefined : 'AlarmsOfThisAccount');
    if (this.chatTopic) letAlarmsPublish(this, this.chatTopic, undefined);
    const machineNames = namesOfMachine(this, of);
    const parts: SystemParts = {
      ...of,
      ledger: this.ledger,
      topic: this.topic,
      chatTopic: this.chatTopic,
      machine: machineNames,
      bundles: bundles.system,
      logGroup: createLogGroup(this, 'SystemLogs', logGroupName(of, 'system'), logRetention),
      architecture,
      runtime,
      tracing,
    };
    const system = createSystemFunctions(this, parts);
    const ids = bundles.migrations.map((migration) => migration.id);
    const inConsole =
      props.dashboard === false
        ? undefined
        : createConsoleDashboard(
            this,
            parts,
            props.dashboard === 'look' ? undefined : { resumeFunction: system.resume.lambda, migrations: ids },
          );
    this.dashboard = inConsole?.dashboard;
    this.dashboardUrl = inConsole?.url;
    this.network = networkOf(this, props);
    const made = createMigrations(this, {
      ...parts,
      logGroup: createLogGroup(this, 'MigrationLogs', logGroupName(of, 'migrations'), logRetention),
      network: this.network,
      migrations: bundles.migrations.map((file) => ({
        ...file,
        permissions: restore(file.permissions),
        variables: restore(file.variables),
      })),
      variables,
    });
    // list-pending ships the manifest. It is deployed last, so that a run never names a function that is not there yet.
    for (const { lambda } of made) system['list-pending'].lambda.node.addDependency(lambda);
    // And after the check, which asks the one that is there by then what is deployed.
    system['list-pending'].lambda.node.addDependency(checkRemovals(this, parts, ids));
    this.migrations = made.map(({ migration }) => migration);
    this.grantPrincipal = new EveryMigration(this, of, this.migrations);

    const machine = createStateMachine(this, of, { logRetention, tracing });
    machine.node.addDependency(system['list-pending'].lambda);
    this.stateMachine = machine;
    const watchHalts = createWatch(this, parts);
    const haltAlarmHours = (props.haltAlarmAfter ?? Duration.hours(4)).toHours({ integral: false });
    const watched = { halt: system.halt.lambda, watchHalts: watchHalts.lambda };
    this.alarms = props.alarms === false ? [] : createAlarms(this, parts, watched, haltAlarmHours);
    protectLedger(ledger, of, { ...system, 'watch-halts': watchHalts });
    giveAccess(this, made, props.access ?? {}, onThisMachine);
    this.grants = new MigrationsGrants(this, {
      ...of,
      ledger: this.ledger,
      machine: machineNames,
      stack: Stack.of(this).stackName,
      topics: eachTopic(this).map(({ topicArn }) => topicArn),
      migrations: ids,
    });
    if (isNew) keepLedgerName(this, of, this.ledger.bucketName, removalPolicy);
    registerEnvironment(this, of, {
      version: VERSION,
      stack: Stack.of(this).stackName,
      stateMachineArn: machine.stateMachineArn,
      ledgerBucket: this.ledger.bucketName,
      resumeFunction: systemFunctionName(of, 'resume'),
      topicArn: this.topic.topicArn,
      chatTopicArn: this.chatTopic?.topicArn,
      dashboardUrl: this.dashboardUrl,
    });
    if (this.dashboardUrl !== undefined) system.halt.lambda.addEnvironment(VARIABLES.dashboardUrl, this.dashboardUrl);
    const commit = props.commit ?? commitOf(directory);
    if (commit !== undefined) {
      for (const name of ['list-pending', 'halt'] as const)
        system[name].lambda.addEnvironment(VARIABLES.commit, commit);
    }
    this.run = props.runOnDeploy ? runOnDeploy(this, parts, { manifest, commit }) : undefined;

    Tags.of(this).add(ENVIRONMENT_TAG, qualifiedName(of));
    acknowledgeFindings(this, ledger.bucket);
    if (!onThisMachine) refuseWhatAwsRefuses(this, made);
    if (claim) for (const part of this.node.children) if (part !== claim) part.node.addDependency(claim);
  }

  /** @throws OdinError UnknownMigration when the environment has no such file */
  migration(id: string): DeployedMigration {
    const found = this.migrations.find((migration) => migration.id === id);
    if (found) return found;
    throw new OdinError({
      code: 'UnknownMigration',
      source: 'user',
      what: `${qualifiedName(this.of)} has no migration ${id}.`,
      why: `It has ${this.migrations.map((migration) => migration.id).join(', ') || 'none'}.`,
      next: 'Grant by name: an environment’s files come and go (access, in docs/construct.md).',
    });
  }

  /** For how many hours the oldest halt has been open, measured every 15 minutes; 0 while none is. */
  metricOpenHaltHours(options?: MetricOptions): Metric {
    return openHaltHours(this.of, options);
  }

  /** With `runOnDeploy`, the run starts after these too. There is no way to wait for it: a deployment waits for no migration. */
  executeAfter(...others: IDependable[]): void {
    this.run?.node.addDependency(...others);
  }

  /** Of all migrations. @throws OdinError BadConfiguration without a `vpc` */
  get connections(): Connections {
    if (this.network) return new Connections({ securityGroups: this.network.securityGroups });
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `The migrations of ${qualifiedName(this.of)} have no connections: they are in no VPC.`,
      next: 'Give the construct the vpc of what they have to reach.',
    });
  }
}

function projectOf(projectRoot: string | undefined): Project {
  refusePlugAndPlay();
  const directory = path.resolve(projectRoot ?? process.cwd());
  const found = findProject(directory);
  if (found && (projectRoot === undefined || found.directory === directory)) return found;
  return { directory, configuration: parseConfiguration({}) };
}

/** @throws OdinError BadConfiguration */
function assertRuntime({ name }: Runtime): void {
  const { error } = StackFields.shape.runtime.safeParse(name);
  if (!error) return;
  const message = error.issues[0]?.message ?? 'not valid';
  throw new OdinError({ code: 'BadConfiguration', source: 'user', what: `runtime: ${message}, found "${name}".` });
}

/** @throws OdinError BadConfiguration */
function assertVariables(variables: Record<string, string>): void {
  const [issue] = Variables.safeParse(variables).error?.issues ?? [];
  if (!issue) return;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `variables.${issue.path.join('.')}: ${issue.message}.`,
  });
}

/** One security group for all of them: one each would be more resources than a template has room for. */
function networkOf(scope: Construct, { vpc, vpcSubnets, securityGroups = [] }: MigrationsProps): Network | undefined {
  if (!vpc) return undefined;
  const groups =
    securityGroups.length > 0
      ? securityGroups
      : [new SecurityGroup(scope, 'SecurityGroup', { vpc, description: 'Migrations of odin-migrate' })];
  return { vpc, vpcSubnets, securityGroups: groups };
}

function giveAccess(
  scope: Construct,
  made: readonly MadeMigration[],
  access: Record<string, (migration: DeployedMigration) => void>,
  anyAccess: boolean,
): void {
  for (const { migration, file } of made) {
    for (const name of file.access) {
      if (Object.hasOwn(access, name)) {
        access[name]?.(migration);
        continue;
      }
      if (anyAccess) continue;
      const known = Object.keys(access).join(', ');
      Annotations.of(scope).addError(
        `${file.file}, access: nothing is called "${name}". ${known === '' ? 'The construct has no access.' : `Known: ${known}.`}`,
      );
    }
  }
}

/** A grant to the construct is one to each of its migrations, in the policies of others by the pattern of their roles' names. */
class EveryMigration extends PrincipalBase {
  override readonly policyFragment: PrincipalPolicyFragment;
  override readonly principalAccount: string;
  private readonly scope: Construct;
  private readonly migrations: readonly DeployedMigration[];

  constructor(scope: Construct, of: EnvironmentId, migrations: readonly DeployedMigration[]) {
    super();
    const roles = migrationRoleArn(scope, of, '????');
    this.policyFragment = new AnyPrincipal().withConditions({ ArnLike: { 'aws:PrincipalArn': roles } }).policyFragment;
    this.principalAccount = Stack.of(scope).account;
    this.scope = scope;
    this.migrations = migrations;
  }

  /** The same statement for each: who asked may still change it. */
  override addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    for (const { grantPrincipal } of this.migrations) grantPrincipal.addToPrincipalPolicy(statement);
    return { statementAdded: true, policyDependable: this.scope };
  }

  override dedupeString(): string | undefined {
    return undefined;
  }
}
