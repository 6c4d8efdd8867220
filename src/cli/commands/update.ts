import type {ContainerChanges} from '../../containers/kept/update-container.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {eachContainer} from '../each-container.ts';
import {CONTAINERS} from '../options/containers.ts';
import {CHANGEABLE_FLAGS, parseLimits} from '../options/limits.ts';
import {parseRestart, RESTART_FLAG} from '../options/restart.ts';

/** `winch update` */
export const updateCommand = defineCommand({
  name: 'update',
  summary: 'Change the limits of containers, also while they run',
  description: 'What is not given stays as it is. The changes hold for later starts as well.',
  positionals: CONTAINERS,
  options: {...CHANGEABLE_FLAGS, ...RESTART_FLAG},
  examples: [
    ['winch update --memory 1g --cpus 2 web', 'Two limits'],
    ['winch update --restart no web', 'It stays when it ends'],
  ],
  handle: async ({values, positionals}, context) => {
    const restart = values.restart === undefined ? undefined : (parseRestart(values) ?? null);
    const changes: ContainerChanges = definedMembers({...parseLimits(values), restart});
    if (Object.keys(changes).length === 0) throw flagsConflict('nothing is to be changed', 'give a limit or --restart');
    const {containers} = await context.openToolkit();
    const options = {signal: context.signal};
    await eachContainer(positionals, context, (container) => containers.update(container, changes, options));
    return 0;
  },
});
