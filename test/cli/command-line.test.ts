import { embeddedPlatform } from '../scenarios/embedded-platform.ts';
import { runCommandLineScenarios } from '../scenarios/command-line.ts';

runCommandLineScenarios('the command line, on the embedded AWS', embeddedPlatform);
