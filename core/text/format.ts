// How numbers, amounts of data and times are written, in the terminal and on the dashboard.

/** `11,204` */
export const countText = (value: number): string => value.toLocaleString('en-US');

/** `1 slice`, `2 slices`, `2 entries` */
export const numberOf = (value: number, one: string, many = `${one}s`): string =>
  `${countText(value)} ${value === 1 ? one : many}`;

/** `48.1 GB`, in powers of 1,000. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? String(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}

/** `2026-03-01 12:00:06`, where it is plain that it is UTC, as every time of the ledger. @param time ISO, or epoch milliseconds */
export const utc = (time: string | number): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ');

/** `2026-03-01 12:00:06 UTC` @param time ISO, or epoch milliseconds */
export const timeText = (time: string | number): string => `${utc(time)} UTC`;

/** `0.4 s`, `12.3 s`, `4 min 05 s`, `2 h 07 min`, `3 d 04 h` */
export function duration(ms: number): string {
  if (Math.round(ms / 100) < 600) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.max(60, Math.floor(ms / 1000)); // 59.96 s is a minute
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const two = (value: number) => String(value).padStart(2, '0');
  if (hours < 1) return `${minutes} min ${two(seconds % 60)} s`;
  if (hours < 48) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

const MOST_IDS = 10;

/** `0001, 0002`; of more than ten the first, and `and 4,980 more, up to 4990`. */
export function idsText(ids: readonly string[]): string {
  if (ids.length <= MOST_IDS) return ids.join(', ');
  return `${ids.slice(0, MOST_IDS).join(', ')} and ${countText(ids.length - MOST_IDS)} more, up to ${ids.at(-1) ?? ''}`;
}
