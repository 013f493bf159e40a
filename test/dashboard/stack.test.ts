// What the stack deploys for the dashboard: a name within the limits, a role that can do little, a widget, an address.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_ENVIRONMENT_LENGTH } from '../../core/names/identifiers.ts';
import { OUTPUTS, stackName, SYSTEM_FUNCTIONS, systemFunctionName } from '../../core/names/names.ts';
import { synthesiseStack } from '../support/synth.ts';
import { works } from '../scenarios/migrations.ts';
import { synthesise } from '../scenarios/platform.ts';
import { PROJECT } from '../support/project.ts';

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}
interface Statement {
  Action: string | string[];
}

let directory: string;
let template: { Resources: Record<string, Resource>; Outputs: Record<string, { Value: unknown }> };

beforeAll(() => {
  const parent = path.join(PROJECT, '.odin-migrate', 'test');
  mkdirSync(parent, { recursive: true });
  directory = mkdtempSync(path.join(parent, 'stack-'));
  const assembly = synthesise(directory, [{ environment: 'odin-dev', files: { '0001.ts': works() } }]);
  template = JSON.parse(
    readFileSync(path.join(assembly, `${stackName({ environment: 'odin-dev' })}.template.json`), 'utf8'),
  ) as typeof template;
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const only = (type: string, fits: (properties: Record<string, unknown>) => boolean = () => true) => {
  const found = Object.values(template.Resources).filter(({ Type, Properties }) => Type === type && fits(Properties));
  expect(found).toHaveLength(1);
  return found[0]!.Properties;
};

describe('the deployed dashboard', () => {
  it('has function names that fit Lambda, for the longest environment too', () => {
    const environment = 'e'.repeat(MAX_ENVIRONMENT_LENGTH);
    for (const name of SYSTEM_FUNCTIONS)
      expect(systemFunctionName({ environment }, name).length).toBeLessThanOrEqual(64);
    expect(systemFunctionName({ environment: 'odin-dev' }, 'dashboard')).toBe('customWidget-odin-migrate-odin-dev');
  });

  it('has a role that reads the ledger, counts who is told, invokes resume and the migrations, and nothing else', () => {
    const { Role } = only(
      'AWS::Lambda::Function',
      ({ FunctionName }) => FunctionName === 'customWidget-odin-migrate-odin-dev',
    ) as { Role: { 'Fn::GetAtt': [string, string] } };
    const { Policies } = template.Resources[Role['Fn::GetAtt'][0]]!.Properties as {
      Policies: { PolicyName: string; PolicyDocument: { Statement: (Statement & { Resource: unknown })[] } }[];
    };
    const statements = Policies.find(({ PolicyName }) => PolicyName === 'function')!.PolicyDocument.Statement;
    expect(statements.flatMap(({ Action }) => Action).sort()).toEqual([
      'lambda:InvokeFunction',
      's3:GetObject',
      's3:ListBucket',
      'sns:GetTopicAttributes',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    const invoked = statements.find(({ Action }) => Action === 'lambda:InvokeFunction')!.Resource;
    const [resume, migrations, ...others] = invoked as [{ 'Fn::GetAtt': [string, string] }, ...unknown[]];
    expect(others).toEqual([]);
    expect(template.Resources[resume['Fn::GetAtt'][0]]!.Properties['FunctionName']).toBe(
      'odin-migrate-odin-dev-resume',
    );
    expect(JSON.stringify(migrations)).toMatch(/:function:odin-migrate-odin-dev-0\?\?\?"/);
  });

  it('is a widget on a dashboard, whose address is an output of the stack', () => {
    const { DashboardName, DashboardBody } = only('AWS::CloudWatch::Dashboard');
    // With the region: a name is one for all regions of an account.
    expect(JSON.stringify(DashboardName)).toBe('{"Fn::Join":["",["odin-migrate-odin-dev-",{"Ref":"AWS::Region"}]]}');
    const [start, , end] = (DashboardBody as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
    // As wide as the console's grid, and drawn anew when somebody refreshes it, not when they only look at another time.
    expect(JSON.parse(`${String(start)}endpoint${String(end)}`)).toEqual({
      widgets: [
        {
          type: 'custom',
          width: 24,
          height: 20,
          x: 0,
          y: 0,
          properties: {
            title: 'Migrations of odin-dev',
            endpoint: 'endpoint',
            updateOn: { refresh: true, resize: false, timeRange: false },
          },
        },
      ],
    });
    expect(JSON.stringify(template.Outputs[OUTPUTS.dashboardUrl]!.Value)).toContain(
      '#dashboards/dashboard/odin-migrate-odin-dev',
    );
  });

  it('is known, by its address, to the function that tells of halts', () => {
    const halt = Object.values(template.Resources).find(
      (each) => each.Properties?.['FunctionName'] === 'odin-migrate-odin-dev-halt',
    );
    const { Variables } = halt!.Properties['Environment'] as { Variables: Record<string, unknown> };
    expect(Variables['ODIN_DASHBOARD_URL']).toEqual(template.Outputs[OUTPUTS.dashboardUrl]!.Value);
  });

  it.each([
    ['eu-west-1', 'https://eu-west-1.console.aws.amazon.com/'],
    ['us-gov-west-1', 'https://us-gov-west-1.console.amazonaws-us-gov.com/'],
    ['cn-north-1', 'https://cn-north-1.console.amazonaws.cn/'],
    ['eusc-de-east-1', 'https://eusc-de-east-1.console.amazonaws-eusc.eu/'],
    ['eusc-fr-south-2', 'https://eusc-fr-south-2.console.amazonaws-eusc.eu/'], // newer than CDK
    ['us-iso-east-1', 'https://us-iso-east-1.console.c2shome.ic.gov/'],
    ['us-isob-east-1', 'https://us-isob-east-1.console.sc2shome.sgov.gov/'],
    ['eu-isoe-west-1', 'https://eu-isoe-west-1.console.csphome.adc-e.uk/'],
    ['us-isof-south-1', 'https://us-isof-south-1.console.csphome.hci.ic.gov/'],
  ])('in %s it is in that console', (region, console) => {
    const { json } = synthesiseStack({ account: '111122223333', region });
    const address = json.Outputs[OUTPUTS.dashboardUrl]!.Value;
    expect(address).toMatch(console);
    expect(address).toMatch(new RegExp(`#dashboards/dashboard/odin-migrate-odin-dev-${region}$`));
  });

  it('is not among the functions that the state machine may invoke', () => {
    const roles = Object.entries(template.Resources).filter(([id]) => id.startsWith('StateMachineRole'));
    expect(roles).not.toHaveLength(0);
    expect(JSON.stringify(roles)).toContain('odin-migrate-odin-dev-halt');
    expect(JSON.stringify(roles)).not.toMatch(/customWidget|odin-dev-resume/);
  });
});
