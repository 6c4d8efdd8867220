// Plain JavaScript in a process of its own, since what it calls ends the process that it cannot help.
import {build, ensurePrograms} from '../fixtures/setup.js';

// The bench does without those that stay missing, and says so.
ensurePrograms(['runc', 'docker-registry', 'skopeo', 'busybox']);
if (!process.env.BENCH_WINCH) build();
