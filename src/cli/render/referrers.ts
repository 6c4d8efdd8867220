import type {RemoteReferrer, RemoteReferrers} from '../../images/remote/list-referrers.ts';
import {formatRows} from './format.ts';
import {humanBytes} from './human.ts';
import {safeText} from './safe-text.ts';

const HEADINGS = {
  Type: 'TYPE',
  Digest: 'DIGEST',
  Size: 'SIZE',
  Annotations: 'ANNOTATIONS',
  MediaType: 'MEDIA TYPE',
} as const;

/** Referrers, one a line; those of referrers are drawn below them. */
export function renderReferrers(list: RemoteReferrers, format: string | undefined): string {
  const rows = list.referrers.flatMap((referrer) => drawReferrer(referrer, {own: '', below: ''}));
  const defaultColumns = ['Type', 'Digest', 'Size', 'Annotations'];
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: list}, format);
}

interface Lead {
  readonly own: string;
  readonly below: string;
}

type Row = Readonly<Record<keyof typeof HEADINGS, string>>;

function drawReferrer(referrer: RemoteReferrer, {own, below}: Lead): readonly Row[] {
  const {digest, mediaType, size, artifactType, annotations, referrers} = referrer;
  const row = {
    Type: `${own}${safeText(artifactType ?? mediaType)}`,
    Digest: digest,
    Size: humanBytes(size),
    Annotations: safeText(
      Object.entries(annotations)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    ),
    MediaType: safeText(mediaType),
  };
  const children = referrers ?? [];
  const lines = children.flatMap((child, at) => {
    const isLast = at === children.length - 1;
    return drawReferrer(child, {
      own: `${below}${isLast ? '└─ ' : '├─ '}`,
      below: `${below}${isLast ? '   ' : '│  '}`,
    });
  });
  return [row, ...lines];
}
