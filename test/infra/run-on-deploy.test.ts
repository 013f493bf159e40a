// `runOnDeploy` in the synthesised stack: one start per manifest, after everything else.
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { SYSTEM_FUNCTIONS, systemFunctionName } from '../../core/names/names.ts';
import { constructOf } from '../support/stack.ts';
import type { SynthesisedResource } from '../support/synth.ts';
import { ONE_MIGRATION, synthesiseStack } from '../support/synth.ts';

const RUN = 'Custom::OdinMigrateRun';
const deployedBy = (stack: ReturnType<typeof synthesiseStack>) =>
  Object.values(stack.template.findResources(RUN)).map(
    ({ Properties }) => (Properties as { Deployed: string }).Deployed,
  );
const functionNames = (stack: ReturnType<typeof synthesiseStack>) =>
  Object.values(stack.template.findResources('AWS::Lambda::Function')).map(
    ({ Properties }) => (Properties as { FunctionName: string }).FunctionName,
  );

describe('runOnDeploy', () => {
  it('is off by default: nothing starts a run', () => {
    const stack = synthesiseStack();
    stack.template.resourceCountIs(RUN, 0);
    expect(functionNames(stack)).not.toContain(systemFunctionName({ environment: 'odin-dev' }, 'start-run'));
  });

  it('is asked for by another manifest, and not by the same one', () => {
    const stack = synthesiseStack({ stack: { runOnDeploy: true } });
    expect(deployedBy(stack)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(deployedBy(synthesiseStack({ stack: { runOnDeploy: true } }))).toEqual(deployedBy(stack));
    const changed = { '0001.ts': `// changed\n${ONE_MIGRATION['0001.ts']}` };
    expect(deployedBy(synthesiseStack({ stack: { runOnDeploy: true } }, changed))).not.toEqual(deployedBy(stack));
    const more = { ...ONE_MIGRATION, '0002.ts': ONE_MIGRATION['0001.ts'] };
    expect(deployedBy(synthesiseStack({ stack: { runOnDeploy: true } }, more))).not.toEqual(deployedBy(stack));
  });

  it('is asked for by another commit, and not by a repeated deployment of the same one', () => {
    const of = (commit: string) => {
      const stack = new Stack(new App({ analyticsReporting: false, builtinCloudFormationValidation: false }), 'Runs');
      constructOf(stack, [{ id: '0001' }], { runOnDeploy: true, commit });
      const [run] = Object.values(Template.fromStack(stack).findResources(RUN));
      return (run?.['Properties'] as { Deployed: string }).Deployed;
    };
    expect(of('a'.repeat(40))).toBe(of('a'.repeat(40)));
    expect(of('a'.repeat(40))).not.toBe(of('b'.repeat(40)));
  });

  it('runs after every function, role, policy and the machine', () => {
    const { json } = synthesiseStack({ stack: { runOnDeploy: true, notify: ['mailto:a@example.com'] } });
    const [[, run] = []] = ofType(json.Resources, RUN);
    const before = new Set(run?.DependsOn);
    const own = /^StartRun(Role)?[0-9A-F]{8}$/; // it refers to its own function, which has its own role
    const others = Object.entries(json.Resources).filter(([id, { Type }]) => Type !== RUN && !own.test(id));
    const missing = others.map(([id]) => id).filter((id) => !before.has(id));
    expect(missing).toEqual([]);
    const [[machine] = []] = ofType(json.Resources, 'AWS::StepFunctions::StateMachine');
    expect(before).toContain(machine);
  });

  it('says at the end of the deployment what became of it', () => {
    const { json } = synthesiseStack({ stack: { runOnDeploy: true } });
    const [[run] = []] = ofType(json.Resources, RUN);
    expect(json.Outputs['RunOnDeployOutcome']?.Value).toEqual({ 'Fn::GetAtt': [run, 'Outcome'] });
  });

  it('may look, start this machine and tell the operators, and gives up on a lost answer after five minutes', () => {
    const { json, template } = synthesiseStack({ stack: { runOnDeploy: true } });
    template.hasResourceProperties(RUN, { ServiceTimeout: '300' });
    const [, role] = Object.entries(json.Resources).find(([id]) => /^StartRunRole[0-9A-F]{8}$/.test(id)) ?? [];
    const statements = JSON.stringify(role?.Properties?.['Policies']);
    const actions = [...statements.matchAll(/"(states|sns):\w+"/g)].map(([action]) => action);
    expect(actions).toEqual(['"states:StartExecution"', '"states:DescribeExecution"', '"sns:Publish"']);
    expect(statements).not.toContain('s3:PutObject');
  });

  it('leaves room for as many migrations as an environment may have', () => {
    const { json } = synthesiseStack({
      stack: { runOnDeploy: true, notify: ['mailto:a@example.com', 'https://a.example'] },
    });
    const besides = Object.keys(json.Resources).length - 2; // the one migration: its function and its role
    expect(besides + 2 * 220).toBeLessThanOrEqual(500);
    expect(SYSTEM_FUNCTIONS).toContain('start-run');
  });
});

const ofType = (resources: Record<string, SynthesisedResource>, type: string) =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);
