/** A place in a registry, split. */
export interface Location {
  /** `host[:port]` */
  readonly host: string;
  /** Without slashes at its ends; may be empty. */
  readonly path: string;
}

const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[a-fA-F0-9:]+\])(?::\d{1,5})?$/;
const PATH = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

/** What is wrong with a text that should be `host[:port][/path]`; null: nothing. */
export function checkLocation(text: string): string | null {
  if (/^[a-z]+:\/\//i.test(text)) return 'a scheme is not allowed, "insecure" allows plain HTTP';
  if (text.includes('@')) return 'neither a login nor a digest is allowed';
  const {host, path} = splitLocation(text);
  if (!HOST.test(host) || !URL.canParse(`https://${host}`)) return 'the host is malformed';
  if (path.includes(':')) return 'a tag is not allowed';
  return path === '' || PATH.test(path) ? null : 'the path is malformed';
}

/** Splits `host[:port][/path]`. */
export function splitLocation(text: string): Location {
  const slash = text.indexOf('/');
  return slash === -1 ? {host: text, path: ''} : {host: text.slice(0, slash), path: text.slice(slash + 1)};
}

/** A text that may be an address, without the login that it has no business to hold. */
export const withoutLogin = (text: string): string => text.replace(/^([a-z]+:\/\/)?[^/]*@/i, '$1…@');
