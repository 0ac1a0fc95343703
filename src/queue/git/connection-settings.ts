import type { Git } from './plumbing/git.js';

/** Settings that determine how a remote is reached, and those of the remote itself. */
const REACHING = /^(?:core\.(?:sshcommand|gitproxy|askpass)$|ssh\.variant$|credential\.|http\.|url\.|protocol\.)/;
const OF_REMOTE = ['pushurl', 'proxy', 'proxyauthmethod', 'uploadpack', 'receivepack'];

interface Setting {
  readonly origin: string;
  readonly key: string;
  readonly value: string;
}

/** How git is to reach a clone's remote from elsewhere. */
export interface ConnectionSettings {
  /** The remote's URL as configured, without `url.*.insteadOf` applied. */
  readonly url: string | undefined;
  /** Settings of the clone that do not hold everywhere, as variables for git. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Reads from a clone's configuration, including all files it includes, how to reach one of its remotes.
 * @param placed makes a URL of what may be a path relative to the clone
 */
export async function connectionSettings(
  clone: Git,
  remote: string,
  placed: (url: string) => string,
  environment: NodeJS.ProcessEnv,
): Promise<ConnectionSettings> {
  const here = await settingsIn(clone);
  // Settings not bound to the clone hold in our clone as well, and would apply twice: a helper would be asked, or a header sent, again.
  const elsewhere = new Set((await settingsIn(clone.in('/'))).map(asText));
  const own = here.filter(setting => REACHING.test(setting.key) && !elsewhere.has(asText(setting)));
  const ofRemote = (name: string): string | undefined => here.find(({ key }) => key === `remote.${remote}.${name}`)?.value;
  const ofOrigin = OF_REMOTE.flatMap(name => {
    const value = ofRemote(name);
    return value === undefined ? [] : [{ key: `remote.origin.${name}`, value: name === 'pushurl' ? placed(value) : value }];
  });
  return { url: ofRemote('url'), settings: asVariables([...own, ...ofOrigin], environment) };
}

async function settingsIn(place: Git): Promise<Setting[]> {
  const { stdout } = await place.attempt(['config', '--list', '--show-origin', '--null']);
  const fields = stdout.toString().split('\0');
  const settings: Setting[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [origin = '', entry = ''] = fields.slice(at, at + 2);
    const end = entry.indexOf('\n');
    settings.push({ origin, key: end < 0 ? entry : entry.slice(0, end), value: end < 0 ? 'true' : entry.slice(end + 1) });
  }
  return settings;
}

function asText({ origin, key, value }: Setting): string {
  return `${origin}\0${key}\0${value}`;
}

/** Settings that the user passed in the same way come later: they override those of files. */
function asVariables(settings: readonly Pick<Setting, 'key' | 'value'>[], environment: NodeJS.ProcessEnv): Record<string, string> {
  if (settings.length === 0) return {};
  const count = Number(environment.GIT_CONFIG_COUNT ?? 0) || 0;
  const theirs = Array.from({ length: count }, (_, at) => ({
    key: environment[`GIT_CONFIG_KEY_${at}`] ?? '',
    value: environment[`GIT_CONFIG_VALUE_${at}`] ?? '',
  }));
  const all = [...settings, ...theirs];
  return Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(all.length)],
    ...all.flatMap(({ key, value }, at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]),
  ]);
}
