/** The flag that helps with an error, by its code. The library's own hints speak of the world and know no flags. */
const FLAG_HINTS: ReadonlyMap<string, string> = new Map([
  ['INTERRUPTED', 'what arrived is kept; the same command goes on from there'],
  ['PLATFORM_MISSING', 'choose with --platform'],
  ['TLS_FAILED', 'trust a private authority with --cacert FILE, or any certificate with --tls-verify=false'],
  ['REGISTRY_BLOCKED', 'winch registry explain shows which file says so'],
  ['RATE_LIMITED', 'winch ratelimit shows what is left, and winch login REGISTRY logs in'],
  ['RUNTIME_NOT_FOUND', 'name it with --runtime'],
  ['MOUNT_UNSUPPORTED', 'or choose another driver with --snapshotter'],
  ['COMMAND_MISSING', 'or name one with --entrypoint'],
  ['LIMIT_TAGS', 'with --limit, and --last for the next part'],
  ['LIMIT_REPOSITORIES', 'with --limit, and --last for the next part'],
  ['LIMIT_REFERRERS', 'leave out --tree, or choose with --artifact-type'],
  ['STORE_FULL', 'winch df shows what takes the space, winch prune frees it'],
  ['IMAGE_TAGGED_TWICE', 'add --force'],
  ['IMAGE_IN_USE', 'or add --force: the container keeps what it has mounted'],
  ['IMAGE_MOUNTED', 'winch unmount'],
  ['BUNDLE_MOUNT_UNSUPPORTED', 'leave out --mount-rootfs for a copy'],
  ['CONTAINER_RUNNING', 'or end and remove it with --force'],
  ['CONTAINER_UNKNOWN', 'winch ps -a'],
  ['HEALTHCHECK_MISSING', 'with --health-cmd'],
  ['HEALTHCHECK_INVALID', '--health-cmd, --no-healthcheck'],
  ['VOLUME_UNKNOWN', 'winch volume ls'],
  ['NETWORK_UNKNOWN', 'winch network ls'],
  ['PORT_TAKEN', 'or leave out the port of this machine (--publish 80) to have one chosen'],
  ['TAG_EXISTS', 'or move the name with --force'],
  ['FOREIGN_LAYER', 'add --foreign to fetch it from there'],
  ['PLATFORMS_MISSING', 'winch pull --all-platforms, or push one with --platform'],
]);

/** The hint about flags for this code, or undefined. */
export const findFlagHint = (code: string): string | undefined => FLAG_HINTS.get(code);
