import { embeddedPlatform } from './embedded-platform.ts';
import { PLACES, runScenarios } from './scenarios.ts';

runScenarios(PLACES.embedded, embeddedPlatform);
