import { embeddedPlatform } from './embedded-platform.ts';
import { runScenarios } from './scenarios.ts';

runScenarios('on the embedded AWS', embeddedPlatform, { redrives: true });
