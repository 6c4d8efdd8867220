import {humanAge} from '../../docker-json/age.ts';
import type {TagMove} from '../../images/tag-history.ts';
import {shortDigest} from './human.ts';
import {renderTable} from './table.ts';

const DASH = '-';

/** What a tag has named, in the order given. */
export const renderTagHistory = (moves: readonly TagMove[], now: Date): string =>
  renderTable(
    ['WHEN', 'IMAGE ID', 'DIGEST'],
    moves.map(({time, digest, imageId}) => [
      humanAge(time, now),
      imageId === null ? DASH : shortDigest(imageId),
      digest === null ? 'removed' : imageId === null ? `${digest} (no longer in the store)` : digest,
    ]),
  );
