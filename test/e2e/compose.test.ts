import {execFile} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {promisify} from 'node:util';
import * as assert from 'uvu/assert';
import {openKeptStore} from '../containers/kept/kept-store.ts';
import {networkSkip, readMachine, requireAsBefore, until} from '../containers/networks/network-lab.ts';
import {serveStore} from '../engine-api/serve-store.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const skip = networkSkip ?? missingFor('docker-compose');
const SHOP = `
version: "3.8"
services:
  web:
    image: busybox
    command: ["sh", "-c", "busybox date +%s >>/data/index.html; exec busybox httpd -f -h /data -p 80"]
    volumes: ["data:/data"]
    networks: {back: {aliases: [www]}}
    ports: ["80"]
    healthcheck: {test: ["CMD", "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1/"], interval: 1s}
  client:
    image: busybox
    command: ["sh", "-c", "until busybox wget -q -O - http://www/; do sleep 0.2; done; exec sleep 600"]
    depends_on: [web]
    networks: [back]
volumes: {data: {}}
networks: {back: {}}
`;

describe('e2e/compose', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 300_000});

  test('docker-compose rules services with a network, a volume, a health check and a published port', async () => {
    await using store = await openKeptStore();
    await using served = await serveStore(store);
    const {toolkit, runtimeDirectory} = store;
    const machine = readMachine(runtimeDirectory);
    const directory = join(dirname(store.root), 'shop');
    mkdirSync(directory);
    writeFileSync(join(directory, 'docker-compose.yml'), SHOP);
    const compose = async (...words: readonly string[]) => {
      const environment = {PATH: process.env.PATH, HOME: directory, DOCKER_HOST: `unix://${served.socketPath}`};
      const {stdout, stderr} = await promisify(execFile)('docker-compose', words, {cwd: directory, env: environment});
      return `${stdout}${stderr}`;
    };
    const readPage = async () => {
      const address = (await compose('port', 'web', '80')).trim().replace('0.0.0.0', '127.0.0.1');
      return await (await fetch(`http://${address}/`)).text();
    };

    await compose('up', '-d');
    await toolkit.containers.waitUntilHealthy('shop_web_1');
    const page = await readPage();
    await until(async () => (await compose('logs', '--no-color', 'client')).includes(page.trim()));
    assert.match(await compose('up', '-d'), 'shop_web_1 is up-to-date');
    assert.match(await compose('run', '--rm', 'client', 'busybox', 'wget', '-q', '-O', '-', 'http://www/'), page);
    assert.match(await compose('exec', '-T', 'web', 'ls', '/data'), 'index.html');
    await compose('up', '-d', '--force-recreate', '--timeout', '0');
    await toolkit.containers.waitUntilHealthy('shop_web_1');
    assert.ok((await readPage()).startsWith(page), 'the volume is the same');
    await compose('down', '--volumes', '--timeout', '0');

    const left = [await toolkit.containers.list(), await toolkit.volumes.list()].flat();
    assert.equal([left.length, (await toolkit.networks.list()).map(({name}) => name)], [0, ['bridge']]);
    assert.equal(served.bugs, []);
    await store.requireNoTraces();
    await requireAsBefore(machine, runtimeDirectory);
  });
});
