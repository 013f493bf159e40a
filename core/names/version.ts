/** Of this package: every entry of the log says which version wrote it. A test holds it to package.json. */
export const VERSION = '0.1.0';
