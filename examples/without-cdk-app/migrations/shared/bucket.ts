/** The bucket that odin-migrate.json names for the environment. */
export function dataBucket(): string {
  const { DATA_BUCKET } = process.env;
  if (DATA_BUCKET === undefined) throw new Error('DATA_BUCKET is not set: it belongs into odin-migrate.json');
  return DATA_BUCKET;
}
