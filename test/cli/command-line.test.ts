// The first ones of the command line's scenarios. All of them are run on the emulator, which takes its time.
import { runCommandLineScenarios } from '../scenarios/command-line.ts';
import { embeddedPlatform } from '../scenarios/embedded-platform.ts';

const ENVIRONMENTS = ['cli-works', 'cli-started', 'cli-prints', 'cli-followed', 'cli-looked-at'];
runCommandLineScenarios('the command line, on the embedded AWS', embeddedPlatform, ENVIRONMENTS);
