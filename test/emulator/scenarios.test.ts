import { runScenarios } from '../scenarios/scenarios.ts';
import { emulatorPlatform } from './emulator-platform.ts';

runScenarios('on the emulator, after a real cdk deploy', emulatorPlatform, { redrives: false });
