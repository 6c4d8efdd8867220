import {loadTreeCalls} from '../host/tree-calls.ts';
import {answerRequests} from '../host/worker-protocol.ts';
import {doRootfsWork} from './do-rootfs-work.ts';
import type {SkippedMetadata} from './rootfs-entries.ts';
import type {RootfsWork} from './rootfs-work.ts';

const isWithoutMask = loadTreeCalls().leaveMask();

answerRequests<RootfsWork, SkippedMetadata>(async (work) => doRootfsWork(work, {isWithoutMask}));
