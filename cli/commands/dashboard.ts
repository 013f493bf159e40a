// `odin-migrate dashboard`: the console's widget on localhost, for a deployed environment or for the embedded one.
import { OdinError } from '../../core/errors.ts';
import { accountOf, regionOf, systemFunctionName } from '../../core/names/names.ts';
import { invokeFunction } from '../../aws/invoke.ts';
import type { DashboardServer, RunStarted, WidgetRequest } from '../dashboard/server.ts';
import { startDashboardServer } from '../dashboard/server.ts';
import type { Deployment } from '../../client/deployment.ts';
import { operatorOf, startRun } from '../../client/deployment.ts';
import type { LocalPlace, Place } from '../../client/environment.ts';
import { isLocal, openEnvironment } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { interrupted } from '../terminal/interrupt.ts';
import { leftBehind } from '../terminal/left-behind.ts';
import { RunReport } from '../terminal/run-report.ts';
import { colour, print } from '../terminal/output.ts';
import { assertPreviewsStayHere } from '../../client/preview.ts';
import { configurationOf } from '../../project/configuration.ts';

export interface DashboardOptions {
  port?: number;
}

/** Each look costs an invocation and reads of the ledger, so it is rarer on AWS. */
const POLL_MS = { local: 1000, deployed: 10_000 };

/** Serves until Ctrl-C. */
export async function dashboard(place: Place, environment: string, { port = 0 }: DashboardOptions): Promise<ExitCode> {
  const report = new RunReport();
  const opened = await openEnvironment(environment, place, { onLog: report.onLog });
  const { deployment, manifest } = opened;
  try {
    report.describe(manifest);
    await untilEnded(
      await (isLocal(place)
        ? serveEmbedded(deployment, port, onlyShows(place, environment))
        : serveDeployed(deployment, port)),
      environment,
    );
  } finally {
    await opened[Symbol.asyncDispose]();
  }
  // A run that was begun here, or went on, has ended with it.
  if (isLocal(place)) for (const line of await leftBehind(place.project, manifest)) print(line);
  return EXIT.done;
}

async function serveDeployed(deployment: Deployment, port: number): Promise<DashboardServer> {
  const caller = await operatorOf(deployment);
  return await startDashboardServer({
    environment: deployment.environment,
    place: regionOf(deployment.stateMachineArn),
    port,
    pollMs: POLL_MS.deployed,
    callWidget: (request) => invokeWidget(deployment, request, caller),
  });
}

const onlyShows = ({ project }: LocalPlace, environment: string): boolean =>
  configurationOf(project.configuration, environment).stack.dashboard === 'look';

/** The page of an environment on the embedded AWS: it can start a run, which goes on in this process, unless it only shows. */
export const serveEmbedded = (deployment: Deployment, port = 0, look = false): Promise<DashboardServer> =>
  startDashboardServer({
    environment: deployment.environment,
    place: 'on this machine',
    port,
    pollMs: POLL_MS.local,
    callWidget: (request) => operatorOf(deployment).then((by) => invokeWidget(deployment, request, by)),
    startRun: look ? undefined : () => startRunHere(deployment),
  });

/** A run that would be refused is not started: nobody would see its refusal. */
async function startRunHere(deployment: Deployment): Promise<RunStarted> {
  const halt = (await deployment.ledger.log.look()).turn?.halt;
  if (halt && !halt.decided) {
    const said = `No run was started: ${halt.halted.migration} is halted. Press one of its buttons, and the run goes on.`;
    return { tone: 'warn', said };
  }
  await startRun(deployment);
  return { tone: 'good', said: 'A run was started.' };
}

async function untilEnded(server: DashboardServer, environment: string): Promise<void> {
  print(`${colour.bold('odin-migrate')} dashboard ${environment}`);
  print(`  ${server.url}`);
  print(`  ${colour.dim('The address is for you alone: whoever has it can decide in your name. Ctrl-C ends it.')}`);
  await interrupted();
  await server.close();
}

/** The event is what the console would send; the name that is recorded is the caller's, unless another one was typed. */
async function invokeWidget(
  deployment: Deployment,
  { call, theme, timezone, forms }: WidgetRequest,
  caller: string,
): Promise<string> {
  if (call.preview !== undefined && deployment.local) assertPreviewsStayHere();
  const name = systemFunctionName(deployment, 'dashboard');
  const event = {
    ...call,
    widgetContext: {
      dashboardName: 'on localhost',
      accountId: accountOf(deployment.stateMachineArn),
      theme,
      timezone: { offsetISO: timezone },
      forms: { all: { ...forms, operator: forms['operator']?.trim() ? forms['operator'] : caller } },
      params: {},
    },
  };
  const html = await invokeFunction(deployment.lambda, name, event);
  if (typeof html === 'string') return html;
  throw new OdinError({ code: 'Internal', source: 'system', what: `${name} answered ${typeof html} and not HTML.` });
}
