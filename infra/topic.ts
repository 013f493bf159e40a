// The topic that tells the operators, and who may publish to it.
import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export function createTopic(scope: Construct, notify: readonly string[]): Topic {
  const topic = new Topic(scope, 'Notifications', { enforceSSL: true });
  for (const address of notify) {
    topic.addSubscription(
      address.startsWith('mailto:')
        ? new EmailSubscription(address.slice('mailto:'.length))
        : new UrlSubscription(address),
    );
  }
  // A topic with a policy of its own has lost the default one, by which the account's alarms could publish.
  const { account } = Stack.of(scope);
  const alarms = Stack.of(scope).formatArn({ service: 'cloudwatch', resource: 'alarm:*' });
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisAccount',
      effect: Effect.ALLOW,
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': alarms } },
    }),
  );
  return topic;
}
