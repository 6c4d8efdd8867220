import type {ContainerDetails, MadeWith} from '../../../src/containers/kept/inspect-container.ts';
import type {ContainerSummary} from '../../../src/containers/kept/list-containers.ts';

/** A container that has run for two minutes. */
export const containerOf = (more: Partial<ContainerSummary> = {}): ContainerSummary => ({
  id: 'a'.repeat(64),
  name: 'web',
  image: 'nginx:1',
  imageId: `sha256:${'b'.repeat(64)}`,
  command: ['nginx'],
  created: new Date(Date.now() - 3_600_000).toISOString(),
  labels: {},
  health: null,
  isKept: true,
  mounts: [],
  networks: [],
  ports: [],
  state: 'running',
  isPaused: false,
  isRestarting: false,
  pid: 1,
  startedAt: new Date(Date.now() - 120_000).toISOString(),
  finishedAt: null,
  exitCode: null,
  outOfMemory: false,
  lostBecause: null,
  ...more,
});

export const detailsOfContainer = (
  more: Partial<ContainerSummary> = {},
  made: Partial<MadeWith> = {},
): ContainerDetails => ({
  ...containerOf(more),
  imageConfig: null,
  made: {
    options: {},
    environment: [],
    hostname: 'box',
    workingDirectory: '/',
    interactive: false,
    keepsInput: false,
    largestLogBytes: null,
    volumeDirectories: {},
    autoRemove: false,
    restart: null,
    healthCheck: null,
    restarts: 0,
    runtime: '/usr/sbin/runc',
    stopSignal: 15,
    logPath: '/store/log',
    writtenBytes: null,
    ...made,
  },
});
