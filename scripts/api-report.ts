// docs/api/: what each entry of the package exports, as it is built, so that a review sees the API change. `npm run api` writes the
// reports, `npm run api:check` fails when one is not what was built. Both want `npm run build` before.
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { PACKAGE_DIRECTORY } from '../project/package.ts';

const ENTRIES = ['index', 's3', 'testing', 'types'];
const REPORTS = path.join(PACKAGE_DIRECTORY, 'docs/api');

const check = process.argv.includes('--check');
mkdirSync(REPORTS, { recursive: true });
const changed = ENTRIES.filter((entry) => !report(entry));
if (check && changed.length > 0) {
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `What the package exports is not what docs/api/ says: ${changed.join(', ')}.`,
    next: 'Type "npm run build && npm run api", and look at what has changed.',
  });
}

/** @returns whether the report is as it was */
function report(entry: string): boolean {
  const configuration = ExtractorConfig.prepare({
    configObject: {
      projectFolder: PACKAGE_DIRECTORY,
      mainEntryPointFilePath: path.join(PACKAGE_DIRECTORY, `dist/${entry}.d.mts`),
      compiler: { tsconfigFilePath: path.join(PACKAGE_DIRECTORY, 'tsconfig.json') },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: REPORTS,
        reportTempFolder: path.join(PACKAGE_DIRECTORY, '.odin-migrate/api'),
      },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        // Release tags (`@public`) are for packages that have several stages; what an entry exports is public here.
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(PACKAGE_DIRECTORY, 'package.json'),
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(configuration, {
    localBuild: !check,
    showVerboseMessages: false,
  });
  return succeeded && !apiReportChanged;
}
