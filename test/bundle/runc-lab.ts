import {spawnSync} from 'node:child_process';
import {closeSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {imageOf} from '../../fixtures/runtime-spec/cases.ts';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import {writeBundleConfig} from '../../src/bundle/create-bundle.ts';
import {resolveDevices} from '../../src/bundle/devices.ts';
import {type HostFacts, readHostFacts} from '../../src/bundle/host-facts.ts';
import {listMountPoints} from '../../src/bundle/mount-points.ts';
import {createRuntimeConfig} from '../../src/bundle/runtime-config.ts';
import {resolveUser} from '../../src/bundle/user.ts';
import {prepareMountPoints, prepareWorkingDirectory} from '../../src/host/mount-points.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import type {RuntimeSpec} from '../../src/oci/runtime-spec.ts';

/** A bundle whose rootfs holds busybox, to run containers from as winch would, without the layers below it. */
export interface RuncLab {
  readonly directory: string;
  readonly host: HostFacts;
  /** Runs a shell script, or a command given as words, to its end. */
  run(command: string | readonly string[], options?: ContainerOptions, rootfs?: string): RunOutcome;
  remove(): void;
}

export interface RunOutcome {
  /** Null when it did not end in time. */
  readonly status: number | null;
  readonly stdout: string;
}

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
const TIMEOUT_MS = 20_000;

const ACCOUNTS = {
  passwd: Buffer.from('root:x:0:0::/root:/bin/sh\nweb:x:101:102::/srv/web:/bin/sh\n'),
  group: Buffer.from('root:x:0:\nadm:x:4:web\nwww:x:102:\n'),
};

/** Why this machine cannot run containers; undefined when it can. */
export function reasonToSkip(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (spawnSync('runc', ['--version']).error !== undefined) return 'runc is not installed';
  return BUSYBOX === undefined ? 'busybox-static is not installed' : undefined;
}

export function openRuncLab(): RuncLab {
  const directory = mkdtempSync(join(tmpdir(), 'winch-runc-'));
  mkdirSync(join(directory, 'rootfs/bin'), {recursive: true});
  if (BUSYBOX !== undefined) cpSync(BUSYBOX, join(directory, 'rootfs/bin/busybox'));
  const host = readHostFacts();
  let count = 0;
  return {
    directory,
    host,
    run: (command, options = {}, rootfs = 'rootfs') => {
      count += 1;
      const id = `winch-test-${process.pid}-${count}`;
      const spec = specOf({command, options, rootfs, host, id});
      writeBundleConfig(directory, spec);
      prepareRootfs(join(directory, rootfs), spec);
      return runBundle(directory, id);
    },
    remove: () => rmSync(directory, {recursive: true}),
  };
}

interface SpecRequest {
  readonly command: string | readonly string[];
  readonly options: ContainerOptions;
  readonly rootfs: string;
  readonly host: HostFacts;
  readonly id: string;
}

function specOf({command, options, rootfs, host, id}: SpecRequest): RuntimeSpec {
  const words = typeof command === 'string' ? ['/bin/busybox', 'sh', '-c', command] : command;
  return createRuntimeConfig({
    image: imageOf({Cmd: words}),
    options,
    user: resolveUser(ACCOUNTS, options.user ?? '', options.groupAdd),
    rootfsPath: rootfs,
    hostname: 'box',
    network: {namespace: options.network === 'host' ? 'host' : 'new', files: null},
    cgroupsPath: `/${id}`,
    devices: resolveDevices(options),
    host,
  });
}

function prepareRootfs(path: string, spec: RuntimeSpec): void {
  const rootFd = openSync(path, constants.O_DIRECTORY);
  prepareMountPoints(loadSyscalls(), rootFd, listMountPoints(spec));
  prepareWorkingDirectory(loadSyscalls(), rootFd, spec.process.cwd);
  closeSync(rootFd);
}

function runBundle(directory: string, id: string): RunOutcome {
  const words = ['--root', join(directory, 'state'), 'run', '--bundle', directory, id];
  const environment = {PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'};
  const {status, stdout} = spawnSync('runc', words, {encoding: 'utf8', env: environment, timeout: TIMEOUT_MS});
  return {status, stdout: stdout.trimEnd()};
}
