// The topics that tell the operators and their chat, and who may publish to them.
import { Stack } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { VARIABLES } from '../core/names/names.ts';
import { given } from './functions.ts';

/** A chat's is one of its own: nobody else could read what it gets. */
export interface Topics {
  topic: ITopic;
  /** Undefined when no chat is told. */
  chatTopic: ITopic | undefined;
}

export const eachTopic = ({ topic, chatTopic }: Topics): ITopic[] => (chatTopic ? [topic, chatTopic] : [topic]);

/** What a function has to know to publish to them, or to count who is told. */
export const topicVariables = ({ topic, chatTopic }: Topics): Record<string, string> => ({
  [VARIABLES.topicArn]: topic.topicArn,
  ...given({ [VARIABLES.chatTopicArn]: chatTopic?.topicArn }),
});

/** With the topics' keys. */
export function letPublish(topics: Topics, grantee: IGrantable): void {
  for (const topic of eachTopic(topics)) topic.grantPublish(grantee);
}

export function createTopic(scope: Construct, id: string, masterKey: IKey | undefined): Topic {
  const topic = new Topic(scope, id, { enforceSSL: true, ...given({ masterKey }) });
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
