// How AWS is reached.
/** The options of every SDK client: what the user named, or the embedded AWS. The rest comes from the user's environment. */
export interface ClientOptions {
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  maxAttempts?: number;
  requestHandler?: {
    /** Milliseconds. */
    connectionTimeout?: number;
    requestTimeout?: number;
    httpAgent?: ByProxy;
    httpsAgent?: ByProxy;
  };
}

interface ByProxy {
  proxyEnv: NodeJS.ProcessEnv;
}

const PROXIES = ['HTTPS_PROXY', 'HTTP_PROXY'];
export const isSet = (name: string): boolean => Boolean(process.env[name] || process.env[name.toLowerCase()]);

/** Of the user's own clients. They go through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, as `cdk` does. */
export function userOptions(region: string | undefined): ClientOptions {
  const options = region === undefined ? {} : { region };
  if (!PROXIES.some(isSet)) return options;
  const byProxy = { proxyEnv: process.env };
  return { ...options, requestHandler: { httpAgent: byProxy, httpsAgent: byProxy } };
}

/** A sentence, where a proxy is named that this Node.js does not know how to use. */
export function unusedProxy(): string | undefined {
  const named = PROXIES.find(isSet);
  if (named === undefined || process.allowedNodeEnvironmentFlags.has('--use-env-proxy')) return undefined;
  return `${named} is not used: Node.js can from 22.21 and 24.5 on, and this is ${process.versions.node}.`;
}
