import { runScenarios } from '../scenarios/scenarios.ts';
import { interpreterPlatform } from './interpreter-platform.ts';

runScenarios("on LocalStack's interpreter, with the embedded AWS around it", interpreterPlatform, { redrives: false });
