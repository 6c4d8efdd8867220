import * as assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type BuiltImage, buildImage, buildIndex, describeDocument} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {type DockerRegistry, HTPASSWD_LOGIN, startDockerRegistry} from '../helpers/docker-registry.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {missingFor, missingRoot} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip =
  missingFor('docker-registry', 'skopeo', 'umoci', 'busybox') ??
  (process.arch === 'x64' ? undefined : 'its images are for amd64');

/** Owners are for root. */
const ROOTLESS = missingRoot() === undefined ? [] : ['--rootless'];

const amd64 = () =>
  busyboxImage({config: {Cmd: ['echo', 'copied']}, layers: [buildTar([{path: 'more', content: 'm'}])]});

function makeImages() {
  const ours = amd64();
  const multi = buildIndex([
    ours,
    buildImage({
      layers: [buildTar([{path: 'arm', content: 'arm'}])],
      platform: {os: 'linux', architecture: 'arm64', variant: 'v8'},
    }),
  ]);
  const signature = buildImage({
    layers: [Buffer.from('signature')],
    compression: 'none',
    manifest: {artifactType: 'application/x.signature', subject: describeDocument(ours.manifest)},
  });
  return {ours, multi, signature};
}

interface Lab {
  readonly from: DockerRegistry;
  readonly to: DockerRegistry;
  readonly winch: Winch;
  /** A layout with the image `multi` and what refers to a part of it. */
  readonly layout: string;
}

describe('e2e/copy', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  let lab: Lab | undefined;
  const open = () => lab ?? assert.fail('the registries did not start');
  const images = skip === undefined ? makeImages() : null;
  const built = () => images ?? assert.fail('no images');

  before(async () => {
    if (skip !== undefined) return;
    const [from, to, winch] = [await startDockerRegistry(), await startDockerRegistry(), makeWinch()];
    const layout = join(winch.directory, 'layout');
    lab = {from, to, winch, layout};
    const {multi, signature} = built();
    writeImageLayout(layout, {multi, signature});
    writeFileSync(
      join(layout, 'index.json'),
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          {...describeDocument(multi.index), annotations: {'org.opencontainers.image.ref.name': 'multi'}},
          describeDocument(signature.manifest),
        ],
      }),
    );
    await run('copy', '--referrers', `oci:${layout}:multi`, source());
  });
  after(async () => {
    await lab?.from[Symbol.asyncDispose]();
    await lab?.to[Symbol.asyncDispose]();
    lab?.winch[Symbol.dispose]();
  });

  const source = () => `${open().from.host}/team/multi:1`;
  const run = async (...words: readonly string[]): Promise<string> => {
    const {exitCode, stdout, stderr} = await open().winch.run(words);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const skopeo = (...words: readonly string[]) => requireProgram('skopeo', ['--insecure-policy', ...words]);
  const rawDigest = async (place: string) => {
    const tls = place.startsWith('docker:') ? ['--tls-verify=false'] : [];
    return digestOf(Buffer.from(await skopeo('inspect', '--raw', ...tls, place)));
  };
  const requireBlobs = async (registry: DockerRegistry, repository: string, image: BuiltImage) => {
    for (const digest of image.blobs.keys()) {
      const reply = await fetch(`http://${registry.host}/v2/${repository}/blobs/${digest}`);
      assert.equal(digestOf(Buffer.from(await reply.arrayBuffer())), digest);
    }
  };
  const temporary = () => mkdtempSync(join(open().winch.directory, 'out-'));

  test('copies an index with what refers to it between two registries, where skopeo finds every digest', async () => {
    const {multi, signature} = built();
    const target = `${open().to.host}/mirror/multi:1`;
    assert.equal(await run('copy', '--referrers', source(), target), multi.index.digest);
    assert.equal(await rawDigest(`docker://${target}`), multi.index.digest);
    const repository = target.slice(0, target.lastIndexOf(':'));
    for (const image of [...multi.images, signature]) {
      assert.equal(await rawDigest(`docker://${repository}@${image.manifest.digest}`), image.manifest.digest);
      await requireBlobs(open().to, 'mirror/multi', image);
    }
    const subject = signature.manifest.digest;
    const list = await skopeo(
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${repository}:${built().ours.manifest.digest.replace(':', '-')}`,
    );
    assert.match(list, new RegExp(subject));
    const again = await open().winch.run(['copy', '--referrers', '--progress', 'json', source(), target]);
    const copied = again.stderr.split('\n').find((line) => line.includes('image:copied'));
    assert.match(copied ?? '', /"changed":false,"sentBytes":0/);
  });

  test('reads what skopeo wrote: layouts, archives for OCI and for docker', async () => {
    const {multi, ours} = built();
    const out = temporary();
    const from = ['copy', '-q', '--src-tls-verify=false'];
    await skopeo(...from, '--all', `docker://${source()}`, `oci:${out}/layout:all`);
    await skopeo(...from, '--all', `docker://${source()}`, `oci-archive:${out}/all.tar:all`);
    await skopeo(...from, `docker://${source()}`, `docker-archive:${out}/docker.tar:team/app:1`);
    const {host} = open().to;
    assert.equal(await run('copy', `oci:${out}/layout:all`, `${host}/skopeo/layout:1`), multi.index.digest);
    assert.equal(await run('copy', `oci-archive:${out}/all.tar:all`, `${host}/skopeo/archive:1`), multi.index.digest);
    await run('copy', `docker-archive:${out}/docker.tar:team/app:1`, `${host}/skopeo/docker:1`);
    const config = await skopeo(
      'inspect',
      '--config',
      '--raw',
      '--tls-verify=false',
      `docker://${host}/skopeo/docker:1`,
    );
    assert.equal(digestOf(Buffer.from(config)), ours.config.digest);
    await run('copy', `docker-archive:${out}/docker.tar`, 'store:from/docker:1');
    assert.equal(await run('inspect', '-f', '{{.Id}}', 'from/docker:1'), ours.config.digest);
  });

  test('reads a layout that umoci wrote', async () => {
    const out = temporary();
    const layout = join(out, 'umoci');
    writeFileSync(join(out, 'file'), 'from umoci');
    await requireProgram('umoci', ['init', '--layout', layout]);
    await requireProgram('umoci', ['new', '--image', `${layout}:new`]);
    await requireProgram('umoci', ['insert', '--image', `${layout}:new`, join(out, 'file'), '/file']);
    const target = `${open().to.host}/umoci/new:1`;
    await run('copy', `oci:${layout}:new`, target);
    assert.equal(await rawDigest(`docker://${target}`), await rawDigest(`oci:${layout}:new`));
  });

  test('writes layouts that skopeo and umoci read', async () => {
    const {multi, ours} = built();
    const out = temporary();
    await run('copy', source(), `oci:${out}/layout:all`);
    await run('copy', '--platform', 'linux/amd64', source(), `oci:${out}/layout:one`);
    assert.equal(await rawDigest(`oci:${out}/layout:all`), multi.index.digest);
    assert.equal(await rawDigest(`oci:${out}/layout:one`), ours.manifest.digest);
    await requireProgram('umoci', ['unpack', ...ROOTLESS, '--image', `${out}/layout:one`, join(out, 'bundle')]);
    assert.equal(readFileSync(join(out, 'bundle/rootfs/more'), 'utf8'), 'm');
  });

  test('writes archives that skopeo reads as OCI and as docker archives', async () => {
    const {multi, ours} = built();
    const out = temporary();
    await run('copy', source(), `oci-archive:${out}/all.tar:team/app:all`);
    await run('copy', source(), `docker-archive:${out}/one.tar:team/app:1`);
    assert.equal(await rawDigest(`oci-archive:${out}/all.tar:team/app:all`), multi.index.digest);
    await skopeo('copy', '-q', '--all', `oci-archive:${out}/all.tar:team/app:all`, `oci:${out}/layout:all`);
    assert.equal(await rawDigest(`oci:${out}/layout:all`), multi.index.digest);
    const config = await skopeo('inspect', '--config', '--raw', `docker-archive:${out}/one.tar:team/app:1`);
    assert.equal(digestOf(Buffer.from(config)), ours.config.digest);
    await skopeo('copy', '-q', `docker-archive:${out}/one.tar:team/app:1`, `oci:${out}/again:1`);
    await requireProgram('umoci', ['unpack', ...ROOTLESS, '--image', `${out}/again:1`, join(out, 'bundle')]);
    assert.equal(readFileSync(join(out, 'bundle/rootfs/more'), 'utf8'), 'm');
  });

  test('pushes what it pulled, under another name, and skopeo reads it', async () => {
    const {ours} = built();
    const target = `${open().to.host}/pushed/app:1`;
    const digestFile = join(temporary(), 'digest');
    await run('pull', '--platform', 'linux/amd64', source());
    await run('tag', source(), target);
    assert.equal(await run('push', target), ours.manifest.digest);
    assert.equal(await rawDigest(`docker://${target}`), ours.manifest.digest);
    await requireBlobs(open().to, 'pushed/app', ours);
    assert.equal(await run('push', '-a', target.slice(0, target.lastIndexOf(':'))), ours.manifest.digest);
    await run('copy', '--digestfile', digestFile, `store:${target}`, `${open().to.host}/pushed/again:1`);
    assert.equal(readFileSync(digestFile, 'utf8'), ours.manifest.digest);
  });

  test('brings the tags of a repository to another', async () => {
    const {from, to} = open();
    for (const tag of ['1.0', '1.1', '2.0-rc1']) await run('copy', source(), `${from.host}/team/synced:${tag}`);
    const places = [`${from.host}/team/synced`, `${to.host}/mirror/synced`];
    const rules = ['--include', 'semver:>=1.0 <3', '--exclude', '1.0', '--exclude', '*-rc*'];
    const planned = await run('sync', '--dry-run', ...rules, ...places);
    assert.match(planned, /^1\.1 {2}sha256:[0-9a-f]{64} {2}to copy, [\d.]+k?M?B$/);
    const {multi} = built();
    assert.match(await run('sync', ...rules, ...places), new RegExp(`^1\\.1 {2}${multi.index.digest} {2}copied, `));
    assert.match(await run('sync', ...rules, ...places), /up to date$/);
    const tags: unknown = JSON.parse(await skopeo('list-tags', '--tls-verify=false', `docker://${places[1]}`));
    assert.deepEqual((tags as {Tags: unknown}).Tags, ['1.1']);
    const broken = await open().winch.run(['sync', '--keep-going', `${from.host}/nothing/here`, places[1] ?? '']);
    assert.equal(broken.exitCode, 4);
  });

  test('logs in to the target alone with what is for the target', async () => {
    await using guarded = await startDockerRegistry({htpasswd: true});
    const {username, password} = HTPASSWD_LOGIN;
    const target = `${guarded.host}/guarded/app:1`;
    const refused = await open().winch.run(['copy', source(), target]);
    assert.equal(refused.exitCode, 5, refused.stderr);
    const given = ['--dest-creds', username];
    const {exitCode, stdout, stderr} = await open().winch.run(['copy', ...given, source(), target], {
      env: {WINCH_PASSWORD: password},
    });
    assert.equal(exitCode, 0, stderr);
    assert.equal(stdout.trim(), built().multi.index.digest);
    assert.ok(!stderr.includes(password));
  });

  test('says what is wrong with a place', async () => {
    const {exitCode, stderr} = await open().winch.run(['copy', 'dir:/tmp/x', 'oci:y']);
    assert.equal(exitCode, 2);
    assert.match(stderr, /LOCATION_UNSUPPORTED.*dir:/s);
  });
});
