import { embeddedPlatform } from './embedded-platform.ts';
import { DISTURBED } from './disturbed.ts';
import { PLACES, runScenarios, SCENARIOS } from './scenarios.ts';

runScenarios(PLACES.embedded, embeddedPlatform, [...SCENARIOS, DISTURBED]);
