// What code opens by the place where it lies. A bundle lies elsewhere, and has what is imported and nothing else.

export interface OpenedBeside {
  /** By its name from there; undefined when it is not known that it opens any. */
  opens: string | undefined;
  /** How else it asks where it lies. */
  asks: string[];
}

/** @param code as esbuild writes it when it does not minify: in double quotes, without most comments */
export function openedBeside(code: string): OpenedBeside {
  const [, opens] = PATTERNS.map((pattern) => pattern.exec(code)).find((found) => found !== null) ?? [];
  const asks = [...(code.match(PLACE) ?? []), ...(FOLDER_OF_URL.test(code) ? ['import.meta.url'] : [])];
  return { opens, asks: [...new Set(asks)].sort() };
}

/** `dirname(fileURLToPath(import.meta.url))`, as it was written before Node.js had a name for it. */
const OF_URL = String.raw`(?:\w+\.)?dirname\w*\(\s*(?:\w+\.)?fileURLToPath\w*\(\s*import\.meta\.url\s*\)\s*\)`;
const FOLDER_OF_URL = new RegExp(OF_URL);
const FOLDER = String.raw`(?:import\.meta\.dirname|__dirname|${OF_URL})`;
const PATTERNS = [
  /new URL\(\s*["`](\.[^"`$]*)["`],\s*import\.meta\.url/,
  new RegExp(String.raw`\b(?:join|resolve)\(\s*${FOLDER},\s*["\x60]([^"\x60$]+)["\x60]`),
  new RegExp(String.raw`\$\{${FOLDER}\}([^\x60$"]+)`),
  new RegExp(String.raw`${FOLDER}\s*\+\s*["\x60]([^"\x60$]+)["\x60]`),
];

/** Without `import.meta.url` alone, by which a script asks whether it was started itself. */
const PLACE = /\bimport\.meta\.(?:dirname|filename)\b|\b__(?:dirname|filename)\b/g;

/** Whether code that is bundled asks where it lies: a package that does so has something there. */
export const asksWhereItLies = (code: string): boolean =>
  /\bimport\.meta\.(?:url|dirname|filename)\b|\b__(?:dirname|filename)\b/.test(code);
