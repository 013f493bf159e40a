import { VARIABLES } from '../../core/names.ts';
import { lambdaHandler } from '../aws/handler.ts';
import { deployedManifest } from '../aws/manifest.ts';
import { decisionSender } from '../aws/resume.ts';
import { awsServices, required } from '../aws/services.ts';
import { createDashboard } from '../dashboard.ts';
import { WidgetEvent } from '../dashboard/event.ts';

const sendDecision = decisionSender(required(VARIABLES.resumeFunction));
export const handler = lambdaHandler(WidgetEvent, createDashboard(awsServices(), deployedManifest(), sendDecision));
