/** Keeps passwords and tokens in URLs out of messages. */

/**
 * A text without the secrets of URLs in it. Over http a user name alone may be a token. A password may have any character, and the end of a
 * URL in a text is not known, so everything counts up to the last @ before a space.
 */
export function withoutSecrets(text: string): string {
  return text.replace(/\b((?:https?|ftps?):\/\/)\S*@/gi, '$1***@').replace(/(\/\/[^/@:\s]*):[^/\s]*@/g, '$1:***@');
}

/** A URL, or the name of a queue, without its password: for messages. */
export function withoutPassword(url: string): string {
  const read = readAccess(url);
  if (read === undefined) return withoutSecrets(url);
  const { before, user, secret, after } = read;
  return `${before}${[user, secret === undefined ? undefined : '***'].filter(part => part !== undefined).join(':')}${after}`;
}

/**
 * A URL as others can use it: git asks the user's credential helper for the password, which looks it up by the user's name.
 */
export function forOthers(url: string): string {
  const read = readAccess(url);
  if (read === undefined) return withoutSecrets(url);
  return `${read.before}${read.user ?? ''}${read.user === undefined ? read.after.slice(1) : read.after}`;
}

/** A URL in parts: user and password stand between the others, and `after` begins with their @. */
interface Access {
  readonly before: string;
  readonly user: string | undefined;
  readonly secret: string | undefined;
  readonly after: string;
}

/**
 * Only what stands before the first of / ? # holds a password: an @ may stand in paths and in branches too. But a password may have any
 * character, although git wants some of them encoded: what is no host shows that the password has not ended yet.
 */
function readAccess(url: string): Access | undefined {
  const [, before, scheme, rest] = /^((?:git\+)?([a-z]+):\/\/)(.*)$/is.exec(url) ?? [];
  if (scheme === undefined || before === undefined || rest === undefined) return undefined;
  const [authority = ''] = /^[^/?#]*/.exec(rest) ?? [];
  const nearest = authority.lastIndexOf('@');
  const end = isHost(authority.slice(nearest + 1)) ? nearest : rest.lastIndexOf('@');
  if (end === -1) return { before: before + rest, user: undefined, secret: undefined, after: '' };
  const [account, after] = [rest.slice(0, end), rest.slice(end)];
  const colon = account.indexOf(':');
  const secret = colon === -1 ? undefined : account.slice(colon + 1);
  if (!/^(?:https?|ftps?)$/i.test(scheme)) return { before, user: colon === -1 ? account : account.slice(0, colon), secret, after };
  // Beside a password, a name may be the token, and the password anything.
  return secret === undefined && !mayBeToken(account)
    ? { before, user: account, secret, after }
    : { before, user: undefined, secret: account, after };
}

const TOKEN = /^(?:gh[a-z]_|github_pat_|glpat-)/i;
/** Names of people are shorter. */
const LONGEST_NAME = 20;

function mayBeToken(account: string): boolean {
  return TOKEN.test(account) || account.length > LONGEST_NAME || /[/?#]|%3a/i.test(account);
}

function isHost(text: string): boolean {
  return /^(?:[^:[\]]*|\[[^\]]*\])(?::\d*)?$/.test(text) && !TOKEN.test(text);
}
