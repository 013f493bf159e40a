import { DISTURBED } from '../scenarios/disturbed.ts';
import { PLACES, runScenarios, SCENARIOS } from '../scenarios/scenarios.ts';
import { emulatorPlatform } from './emulator-platform.ts';

runScenarios(PLACES.emulator, emulatorPlatform, [...SCENARIOS, DISTURBED]);
