import {readFileSync} from 'node:fs';

/** What is another one after each start of the machine (random(4)). */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
