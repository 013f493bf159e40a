// Who is told of halts, by the count: what status, run and the dashboard say of it.
import { regionOf } from '../names/names.ts';
import { numberOf } from '../text/format.ts';

export interface Subscribers {
  topicArn: string;
  confirmed: number;
  /** Not confirmed yet: they are told nothing. */
  pending: number;
}

/** `3 subscribers are told of halts, 1 is not confirmed yet` */
export function subscribersText({ confirmed, pending }: Subscribers): string {
  const told = `${numberOf(confirmed, 'subscriber')} ${confirmed === 1 ? 'is' : 'are'} told of halts`;
  return pending === 0 ? told : `${told}, ${pending} ${pending === 1 ? 'is' : 'are'} not confirmed yet`;
}

/** With what to type; undefined when somebody is told. */
export function nobodyIsTold({ topicArn, confirmed, pending }: Subscribers): string | undefined {
  if (confirmed > 0) return undefined;
  const why = pending === 0 ? '' : ` (${pending} not confirmed yet, which SNS forgets after 48 hours)`;
  return (
    `Nobody is told of a halt: the topic has no confirmed subscriber${why}. Subscribe, and confirm as docs/runbook.md says: ` +
    `aws sns subscribe --topic-arn ${topicArn} --protocol email --notification-endpoint ADDRESS --region ${regionOf(topicArn)}`
  );
}
