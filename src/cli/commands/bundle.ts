import {resolve} from 'node:path';
import {definedMembers} from '../../oci/defined-members.ts';
import {choice, flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';
import {CONTAINER_FLAGS, parseContainer} from '../options/container.ts';
import {ID_MAPPING_FLAGS, parseIdMappings} from '../options/id-mapping.ts';
import {IMAGE_FLAGS} from '../options/image.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {safeJson, safeText} from '../render/safe-text.ts';

/** `winch bundle` */
export const bundleCommand = defineCommand({
  name: 'bundle',
  summary: 'Write an OCI runtime bundle: config.json and rootfs/',
  description: 'DIR is made, or must be empty. Prints its path. What follows DIR replaces the command of the image.',
  positionals: {usage: 'IMAGE DIR [COMMAND] [ARGUMENT...]', minimum: 2, images: 1},
  options: {
    ...CONTAINER_FLAGS,
    ...ID_MAPPING_FLAGS,
    format: choice(['json'], 'Print JSON: also how many files could not be written as the image has them'),
    'mount-rootfs': flag('Mount rootfs/ instead of copying, until winch unmount DIR; as root'),
    ...IMAGE_FLAGS,
    ...REGISTRY_FLAGS,
  },
  stopsAtPositional: true,
  examples: [
    ['winch bundle alpine ./alpine', 'A bundle for any OCI runtime'],
    ['runc run --bundle ./alpine name', '… and how to run it'],
    ['winch bundle --mount-rootfs alpine ./now', 'At once, and without taking space'],
    ['winch bundle --uidmap 0:100000:65536 alpine ./mapped', 'For a user namespace, with files of its users'],
    ['winch bundle -e A=b --memory 64m alpine ./small sleep 5', 'With the flags of winch run'],
  ],
  handle: async ({values, positionals}, context) => {
    const [image = '', directory = '', ...command] = positionals;
    const container = parseContainer(values, command, context.environment);
    const toolkit = await context.openToolkit({references: [image], registry: parseRegistryFlags(values)});
    const idMappings = parseIdMappings(values) ?? undefined;
    const place = resolve(context.environment.workingDirectory(), directory);
    const {signal, onEvent} = context;
    const options = {
      ...definedMembers({platform: values.platform}),
      policy: values.pull ?? 'missing',
      container,
      signal,
      onEvent,
    };
    if (values['mount-rootfs'] && idMappings) throw mappingExcluded();
    const report = values['mount-rootfs']
      ? await toolkit.containers.mountBundle(image, place, options)
      : await toolkit.images.bundle(image, place, {...options, idMappings});
    context.print(values.format === 'json' ? safeJson(report, 2) : safeText(report.directory));
    return 0;
  },
});

const mappingExcluded = () =>
  flagsConflict(
    '--mount-rootfs does not go with --uidmap and --gidmap',
    'the owners of files can change in a copy only',
  );
