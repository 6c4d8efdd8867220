import {humanAge} from '../../docker-json/age.ts';
import type {RemoteImageDetails} from '../../images/remote/describe-image.ts';
import type {RemoteImage, RemotePlatform} from '../../images/remote/inspect-remote.ts';
import {humanBytes} from './human.ts';
import {safeText} from './safe-text.ts';
import {renderTable} from './table.ts';

const INDENT = '  ';

/** An image at its registry: facts about the name, its platforms, then each image with its layers. */
export function renderRemoteImage(image: RemoteImage, now: Date): string {
  const head = [
    ...fact('Name', image.reference),
    ...fact('Digest', image.digest),
    ...fact('Type', image.mediaType),
    ...facts('Annotations', pairs(image.annotations)),
  ];
  const tags = image.tags === null ? [] : [['Tags:', ...image.tags.map((tag) => `${INDENT}${safeText(tag)}`)]];
  return [head, renderPlatforms(image.platforms), ...image.images.map((one) => renderImage(one, now)), ...tags]
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n');
}

/** A lone manifest needs no list. */
function renderPlatforms(platforms: readonly RemotePlatform[]): readonly string[] {
  if (platforms.length <= 1) return [];
  const rows = platforms.map(({platform, digest, totalBytes}) => [
    safeText(platform ?? '-'),
    digest,
    totalBytes === null ? '-' : humanBytes(totalBytes),
  ]);
  return [renderTable(['PLATFORM', 'DIGEST', 'SIZE'], rows)];
}

function renderImage(image: RemoteImageDetails, now: Date): readonly string[] {
  return [
    ...fact('Platform', image.platform),
    ...fact('Artifact', image.artifactType),
    ...fact('Manifest', image.digest),
    ...fact('Config', image.config.digest),
    ...fact('Created', image.created && `${humanAge(image.created, now)} (${image.created})`),
    ...fact('Author', image.author),
    ...fact('Size', describeSize(image)),
    ...fact('Entrypoint', words(image.entrypoint)),
    ...fact('Command', words(image.command)),
    ...fact('Directory', image.workingDirectory),
    ...fact('User', image.user),
    ...fact('Ports', image.exposedPorts.join(', ')),
    ...fact('Volumes', image.volumes.join(', ')),
    ...facts('Environment', image.environment),
    ...facts('Labels', pairs(image.labels)),
    ...facts('Annotations', pairs(image.annotations)),
    ...renderLayers(image),
  ];
}

function renderLayers({layers}: RemoteImageDetails): readonly string[] {
  if (layers.length === 0) return [];
  const rows = layers.map(({digest, size, mediaType}, at) => [
    String(at + 1),
    digest,
    humanBytes(size),
    safeText(mediaType),
  ]);
  return [renderTable(['LAYER', 'DIGEST', 'SIZE', 'TYPE'], rows)];
}

const describeSize = ({totalBytes, layers}: RemoteImageDetails): string =>
  `${humanBytes(totalBytes)} in ${layers.length === 1 ? '1 layer' : `${layers.length} layers`}`;

const fact = (name: string, value: string | null): readonly string[] =>
  value === null || value === '' ? [] : [`${name}: ${safeText(value)}`];

const facts = (name: string, values: readonly string[]): readonly string[] =>
  values.length === 0 ? [] : [`${name}:`, ...values.map((value) => `${INDENT}${safeText(value)}`)];

const pairs = (map: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(map).map(([key, value]) => `${key}=${value}`);

const words = (list: readonly string[]): string => (list.length === 0 ? '' : JSON.stringify(list));
