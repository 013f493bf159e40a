/** Without the byte order mark that editors of Windows put before a text; `cdk`, npm and Node.js take JSON with it. */
export const withoutMark = (text: string): string => text.replace(/^\uFEFF/, '');
