// The topic that tells the operators, and who may publish to it.
import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { given } from './functions.ts';

export function createTopic(scope: Construct, masterKey: IKey | undefined): Topic {
  const topic = new Topic(scope, 'Notifications', { enforceSSL: true, ...given({ masterKey }) });
  masterKey?.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'], // this key
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  return topic;
}

/**
 * A topic with a policy of its own has lost the default one, by which the account's alarms could publish. One that was made
 * elsewhere has to let them by itself: CDK cannot add to its policy.
 * @param sid none in a policy that others write too: it would have to be the only one of its name there
 */
export function letAlarmsPublish(scope: Construct, topic: ITopic, sid: string | undefined): void {
  const { account } = Stack.of(scope);
  const alarms = Stack.of(scope).formatArn({ service: 'cloudwatch', resource: 'alarm:*' });
  topic.addToResourcePolicy(
    new PolicyStatement({
      ...given({ sid }),
      effect: Effect.ALLOW,
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': alarms } },
    }),
  );
}
