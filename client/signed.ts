// Headers of a request that is signed here, by the client of STS that is here anyway.
import type { STSClient } from '@aws-sdk/client-sts';

/** A POST to `/`, as services of the query protocol take it. */
interface Post {
  service: string;
  /** For which it is signed. */
  region: string;
  protocol: string;
  hostname: string;
  /** That are signed too. */
  headers: Record<string, string>;
  body: string;
}

/**
 * @param at when it is signed; by the clock of this machine when left out
 * @returns all of its headers, with the signature of whom the client's credentials are
 */
export async function signedHeaders(
  sts: STSClient,
  { service, region, ...post }: Post,
  at = new Date(),
): Promise<Record<string, string | undefined>> {
  const signer = await sts.config.signer({
    name: 'sigv4',
    signingName: service,
    signingRegion: region,
    properties: {},
  });
  const { headers } = await signer.sign({ method: 'POST', path: '/', ...post }, { signingDate: at });
  return headers;
}
