// `odin-migrate`: what a team's own CDK app imports.
export { EnvironmentStack, type EnvironmentStackProps } from './environment-stack.ts';
export { planEnvironment, type EnvironmentPlan, type PlanOptions } from '../project/plan.ts';
export { openProject, type Project } from '../project/project.ts';
export { configurationOf, type EnvironmentConfiguration } from '../project/configuration.ts';
