import { PLACES, runScenarios } from '../scenarios/scenarios.ts';
import { emulatorPlatform } from './emulator-platform.ts';

runScenarios(PLACES.emulator, emulatorPlatform);
