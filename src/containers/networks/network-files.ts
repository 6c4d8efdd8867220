import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {NetworkFilePaths} from '../../bundle/mounts.ts';
import type {NetworkFiles} from '../../network/network.ts';
import {unlessGone} from '../../store/unless-gone.ts';

/** A container's network, ready for its configuration. */
export interface ConnectedNetwork {
  /** `host`: it is shared with others. */
  readonly namespace: 'new' | 'host';
  /** The namespace that is there already; null: the runtime makes it, or leaves the machine's. */
  readonly path: string | null;
  /** The container's host name. */
  readonly hostname: string;
  readonly files: NetworkFilePaths;
}

export interface OpenNetwork extends ConnectedNetwork {
  /** Lets the namespace go; it stays as long as a process is in it. */
  close(): void;
}

/** Where systemd-resolved names the servers that it asks itself. */
const RESOLVED_SERVERS = '/run/systemd/resolve/resolv.conf';

/** What a plan of the network's files starts from. */
export const readHostFiles = () => ({
  hostHosts: readOrNull('/etc/hosts'),
  hostResolvConf: readOrNull('/etc/resolv.conf'),
});

/** As `readHostFiles`, for who cannot ask a name server at a loopback address of this machine. */
export function readReachableHostFiles() {
  const files = readHostFiles();
  const servers = files.hostResolvConf?.match(/^\s*nameserver\s.*/gm) ?? [];
  if (servers.some((line) => !/\s(127\.|::1\b)/.test(line))) return files;
  return {...files, hostResolvConf: readOrNull(RESOLVED_SERVERS) ?? files.hostResolvConf};
}

/** Writes the files that tell a container its name and its neighbours into its directory. */
export function writeNetworkFiles(directory: string, files: NetworkFiles): NetworkFilePaths {
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, {mode: 0o644});
    return path;
  };
  return {
    hosts: write('hosts', files.hosts),
    hostname: write('hostname', files.hostname),
    resolvConf: write('resolv.conf', files.resolvConf),
  };
}

const readOrNull = (path: string): string | null => unlessGone(() => readFileSync(path, 'utf8'), null);
