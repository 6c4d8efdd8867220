import type {EndpointExplanation, RegistryExplanation} from '../../images/explain-registry.ts';
import type {SettingSource} from '../../registry/host-plan.ts';
import {safeText} from './safe-text.ts';

/** What winch would do with a name, one fact a line. */
export function renderRegistryExplanation(explanation: RegistryExplanation): string {
  const {reference, blockedBy, endpoints, pushEndpoint, warnings} = explanation;
  const lines = [
    `Reference: ${reference}`,
    ...describeShortName(explanation),
    ...(blockedBy === null ? [] : [`Blocked: by ${describeSource(blockedBy)}; nobody is asked`]),
    'Read from, in this order:',
    ...endpoints.flatMap((endpoint, index) => describeEndpoint(endpoint, `${index + 1}.`)),
    'Written to:',
    ...(isListed(pushEndpoint, endpoints) ? [`  ${pushEndpoint.urls[0]}`] : describeEndpoint(pushEndpoint, '-')),
    ...warnings.map(({code, message}) => `Warning: ${code}: ${message}`),
  ];
  return lines.map(safeText).join('\n');
}

function describeShortName({shortName, registry}: RegistryExplanation): readonly string[] {
  if (shortName === null) return [];
  const {unusedAlias, unusedSearch} = shortName;
  const search = unusedSearch === null ? '' : `${unusedSearch.names.join(', ')} (${unusedSearch.file})`;
  return [
    `Short name: it is one of ${registry}, as for docker`,
    ...(unusedAlias === null ? [] : [`  not used: the alias ${unusedAlias.name} (${unusedAlias.file})`]),
    ...(search === '' ? [] : [`  not used: unqualified-search-registries ${search}`]),
  ];
}

const isListed = (endpoint: EndpointExplanation, others: readonly EndpointExplanation[]): boolean =>
  others.some(({urls, isMirror}) => !isMirror && urls.join() === endpoint.urls.join());

function describeEndpoint(endpoint: EndpointExplanation, mark: string): readonly string[] {
  const {urls, isMirror, isAsked, tls, proxy, headers} = endpoint;
  const facts = {
    Why: describeSource(endpoint.source),
    For: describeUse(endpoint),
    TLS: urls.some((url) => url.startsWith('https:')) ? describeTls(tls) : 'none',
    Proxy: proxy.url === null ? `none, ${proxy.reason}` : `${proxy.url}, ${proxy.reason}`,
    Headers: headers.join(', '),
    Login: describeLogin(endpoint),
  };
  const kind = isMirror ? 'mirror' : 'registry';
  const isSkipped = mark !== '-' && !isAsked;
  return [
    `  ${mark} ${urls.join(' or ')} (${kind}${isSkipped ? ', not asked for this reference' : ''})`,
    ...Object.entries(facts)
      .filter(([, fact]) => fact !== '')
      .map(([name, fact]) => `     ${name}: ${fact}`),
  ];
}

const describeSource = ({file, entry}: SettingSource): string => (file === undefined ? entry : `${file}, ${entry}`);

function describeUse({serves, capabilities, isMirror}: EndpointExplanation): string {
  const limit = {all: '', digest: ', only what has a digest', tag: ', only what is asked for by tag'}[serves];
  const deeds = capabilities.filter((name) => !isMirror || name !== 'push');
  return `${deeds.join(', ')}${limit}`;
}

function describeTls({isVerified, files}: EndpointExplanation['tls']): string {
  const read = files.length === 0 ? '' : `, with ${files.join(', ')}`;
  return isVerified ? `its certificate must verify${read}` : `any certificate will do${read}`;
}

function describeLogin({login, loginFault}: EndpointExplanation): string {
  if (loginFault !== null) return `unknown: ${loginFault}`;
  if (login === null) return 'none';
  const {username, kind, source} = login;
  return `${username ?? `<${kind}>`} (${kind}) from ${source}`;
}
