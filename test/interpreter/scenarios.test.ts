import { PLACES, runScenarios } from '../scenarios/scenarios.ts';
import { interpreterPlatform } from './interpreter-platform.ts';

runScenarios(PLACES.interpreter, interpreterPlatform);
