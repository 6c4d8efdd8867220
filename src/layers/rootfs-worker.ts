import {answerRequests} from '../host/worker-protocol.ts';
import {doRootfsWork} from './do-rootfs-work.ts';
import type {SkippedMetadata} from './rootfs-entries.ts';
import type {RootfsWork} from './rootfs-work.ts';

answerRequests<RootfsWork, SkippedMetadata>(async (work) => doRootfsWork(work));
