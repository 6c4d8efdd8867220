import {readFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {type BuiltImage, buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxEntries} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {createDigester, digestOf} from '../../src/oci/digest.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type WinchProcess} from '../helpers/winch.ts';

const ZEROS = Buffer.alloc(64 * 1024 * 1024);
/** 5 GiB of them: more than 32 bits count. */
const ZEROS_TIMES = 80;
const END = Buffer.from('the end of it'.padEnd(512, '.'));
const FILE_BYTES = ZEROS_TIMES * ZEROS.length + END.length;
const MOST_MEBIBYTES = 250;
const POLL_MS = 20;

const isWanted = process.env.WINCH_TEST_LARGE === '1';
const skip = isWanted ? missingFor('runc', 'busybox') : 'takes a minute and 5 GiB: set WINCH_TEST_LARGE=1';

describe('e2e/large-layer', ({test}) => {
  test(
    'a layer with a file of more than 4 GiB is pulled in little memory, and read right at its end',
    async () => {
      using winch = makeWinch();
      await using registry = await startRegistry();
      const {image, layer} = largeImage();
      registry.put('large', '1', image);
      registry.putBlob('large', layer);
      const reference = `${registry.host}/large:1`;
      const pull = winch.start(['pull', '-q', '--durability', 'fast', reference]);
      const [exit, mebibytes] = await Promise.all([pull.exited, peakOf(pull)]);
      requireSuccess(exit);
      assert.ok(mebibytes < MOST_MEBIBYTES, `${mebibytes} MiB`);
      const script = 'stat -c %s /large; tail -c 512 /large; cat /behind';
      const ran = requireSuccess(await winch.run(['run', '--rm', '--network', 'none', reference, 'sh', '-c', script]));
      assert.is(ran.stdout, `${FILE_BYTES}\n${END}behind`);
      assert.is(requireSuccess(await winch.run(['cat', `${reference}:/behind`])).stdout, 'behind');
      requireSuccess(await winch.run(['check', '--deep']));
    },
    {skip, timeoutMs: 20 * 60_000},
  );
});

/** Its second layer is made of gzip members: 5 GiB become 5 MB. */
function largeImage(): {readonly image: BuiltImage; readonly layer: Buffer} {
  const base = buildTar(busyboxEntries());
  const head = buildTar([{path: 'large', size: 0, pax: [['size', String(FILE_BYTES)]]}], {trailer: Buffer.alloc(0)});
  const tail = Buffer.concat([END, buildTar([{path: 'behind', content: 'behind'}])]);
  const digester = createDigester('sha256');
  const pieces = [head, ...Array.from({length: ZEROS_TIMES}, () => ZEROS), tail];
  for (const piece of pieces) digester.update(piece);
  const zeros = gzipSync(ZEROS);
  const layer = Buffer.concat(pieces.map((piece) => (piece === ZEROS ? zeros : gzipSync(piece))));
  const small = buildImage({layers: [base]});
  const mediaType = small.layers[0]?.mediaType ?? '';
  const descriptor = {mediaType, digest: digestOf(layer), size: layer.length};
  const image = buildImage({
    layers: [base],
    config: {Env: ['PATH=/bin']},
    document: {rootfs: {type: 'layers', diff_ids: [...small.diffIds, digester.digest()]}, history: []},
    manifest: {
      layers: [...small.layers.map(({digest, bytes}) => ({mediaType, digest, size: bytes.length})), descriptor],
    },
  });
  return {image, layer};
}

/** The kernel's own high-water mark, as it was last seen. */
async function peakOf({child, exited}: WinchProcess): Promise<number> {
  let peak = 0;
  const look = () => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {}
  };
  const timer = setInterval(look, POLL_MS);
  await exited;
  clearInterval(timer);
  return Math.round(peak);
}
