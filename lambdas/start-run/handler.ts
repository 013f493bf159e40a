import { lambdaHandler } from '../shared/handler.ts';
import { awsServices } from '../shared/aws-services.ts';
import { CustomResourceEvent, putAnswer } from '../shared/custom-resource.ts';
import { createStartRun } from './start-run.ts';

export const handler = lambdaHandler(CustomResourceEvent, createStartRun(awsServices(), putAnswer));
