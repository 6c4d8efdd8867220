import {readdirSync} from 'node:fs';
import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {createBlobStore} from '../../src/store/blobs.ts';
import {storePaths} from '../../src/store/paths.ts';
import {stream} from './sample-store.ts';

/**
 * A process of its own on a disk that takes only a part of the blob, as one piece: the kernel writes what fits, and says
 * nothing of the rest before the next write.
 */
const bytes = Buffer.alloc(200_000, 'x');
const blobs = createBlobStore(storePaths('.'), 'full');
const ingest = await blobs.openIngest({digest: digestOf(bytes), size: bytes.length});
const outcome = await ingest
  .receive(() => stream(bytes))
  .then(
    () => 'received',
    (error: unknown) => (isWinchError(error) ? error.code : String(error)),
  );
await ingest.discard();
process.stdout.write(JSON.stringify({outcome, left: readdirSync('ingest')}));
