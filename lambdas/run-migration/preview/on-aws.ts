// A preview with what its function has of AWS.
import { STSClient } from '@aws-sdk/client-sts';
import { VARIABLES } from '../../../core/names/names.ts';
import { PreviewAllows } from '../../../core/preview/preview.ts';
import { required } from '../../shared/ledger-services.ts';
import { logLine } from '../log-line.ts';
import type { InProcess } from './preview.ts';
import { createPreview } from './preview.ts';
import { readOnlySession } from './session.ts';

export const previewOnAws = (migration: string, inProcess: InProcess) =>
  createPreview({
    migration,
    allows: PreviewAllows.parse(JSON.parse(process.env[VARIABLES.previewAllows] ?? '[]')),
    session: () => readOnlySession(new STSClient({}), required(VARIABLES.roleArn), migration),
    inProcess,
    onLine: (line) => {
      logLine(line, 'preview');
    },
    now: () => Date.now(),
  });
