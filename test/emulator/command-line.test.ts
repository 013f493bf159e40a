import { runCommandLineScenarios } from '../scenarios/command-line.ts';
import { emulatorPlatform } from './emulator-platform.ts';

runCommandLineScenarios('the command line, on the emulator after a real cdk deploy', emulatorPlatform);
