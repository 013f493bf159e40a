import { embeddedPlatform } from './embedded-platform.ts';
import { runRedriveScenarios, runScenarios } from './scenarios.ts';

runScenarios('on the embedded AWS', embeddedPlatform);
runRedriveScenarios('on the embedded AWS', embeddedPlatform);
