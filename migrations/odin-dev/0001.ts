// export const description = 'One line that operators see';

/** What this migration may do in AWS, besides its own part of the ledger: IAM policy statements. */
export const permissions = [
  // { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::my-bucket/my-prefix/*'] },
];

/** Runs once, in this environment, and never again. */
export async function migration(): Promise<void> {
  // Work here, and await all of it: what is not awaited may never happen.
}
