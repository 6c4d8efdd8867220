import {setTimeout as sleep} from 'node:timers/promises';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {attachLifeline} from '../../src/runtime/lifeline.ts';

/** A process of its own: attaches the lifeline that its first word asks for, then ends as the second says. */
const [, , request = '', end = ''] = process.argv;
const lifeline = attachLifeline(loadSyscalls(), JSON.parse(request));
if (end === 'release') lifeline.release();
if (end === 'release and exit') {
  lifeline.release();
  process.exit(0);
}
if (end === 'release and kill') {
  lifeline.release();
  process.kill(process.pid, 'SIGKILL');
}
process.stdout.write('attached\n');
if (end === 'wait') await sleep(60_000);
