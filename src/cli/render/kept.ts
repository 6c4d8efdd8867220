import {describeHolder} from '../../host/find-lock-holder.ts';
import type {RemovalReport} from '../../images/remove.ts';
import {humanBytes} from './human.ts';

/** What could not be freed yet, and because of whom (`pid 123 (winch pull, started 12 s ago)`). */
export function remarkKept({keptBytes, keptFor}: RemovalReport, remark: (text: string) => void): void {
  if (keptBytes === 0 && keptFor.length === 0) return;
  const who = keptFor.map(describeHolder).join(', ') || 'another process';
  remark(`left ${humanBytes(keptBytes)} to ${who}: a later prune frees what is then not needed`);
}
