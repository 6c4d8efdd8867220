import type {ProcessFacts} from '../../events.ts';
import {describeHolder} from '../../host/find-lock-holder.ts';

/** Who is at work on the store (`pid 123 (winch pull, started 12 s ago)`). */
export const nameBusy = (process: ProcessFacts | null): string => (process ? describeHolder(process) : 'another pull');
