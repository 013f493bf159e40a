// How AWS is reached.
/** The options of every SDK client: what the user named, or the embedded AWS. The rest comes from the user's environment. */
export interface ClientOptions {
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  maxAttempts?: number;
  /** Milliseconds. */
  requestHandler?: { connectionTimeout: number; requestTimeout: number };
}
