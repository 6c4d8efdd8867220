import {type Location, parseLocation} from '../../media/location.ts';
import {flag, text} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {CONTENT_FLAGS, openOptions, parseContentFlags, parseSideFlags, SIDE_FLAGS} from '../options/copy.ts';
import {writeFlagFile} from '../options/write-file.ts';

/** `winch copy` */
export const copyCommand = defineCommand({
  name: 'copy',
  summary: 'Copy images between registries, directories, archives and the store',
  description:
    'SOURCE and TARGET are [docker://]IMAGE, oci:DIRECTORY[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:IMAGE] or store:IMAGE. Prints the digest, which is the same on both sides. What is there already is not sent again.',
  positionals: {usage: 'SOURCE TARGET', minimum: 2, maximum: 2},
  options: {
    ...CONTENT_FLAGS,
    'preserve-digests': flag('Always so: nothing is ever packed anew'),
    digestfile: text('FILE', 'Write the digest to this file as well'),
    ...SIDE_FLAGS,
  },
  examples: [
    ['winch copy alpine:3.20 registry.example/alpine:3.20', 'All platforms, from registry to registry'],
    ['winch copy --referrers a.example/app:1 b.example/app:1', 'With its signatures'],
    ['winch copy alpine:3.20 oci:layout:alpine', 'Into a directory that umoci and skopeo read'],
    ['winch copy store:app:1 docker-archive:app.tar:app:1', 'For docker load'],
    ['winch copy docker-archive:app.tar store:app:1', 'From docker save'],
  ],
  handle: async ({values, positionals: [source = '', target = '']}, context) => {
    const registries = [source, target].map((place) => registryOf(parseLocation(place)));
    const options = {...parseContentFlags(values), ...parseSideFlags(values, context.environment)};
    const toolkit = await context.openToolkit(openOptions(values, registries));
    const {signal, onEvent} = context;
    const {digest} = await toolkit.images.copy(source, target, {...options, signal, onEvent});
    context.print(digest);
    const {digestfile: path} = values;
    if (path !== undefined) writeFlagFile({flag: '--digestfile', path}, digest, context.environment);
    return 0;
  },
});

const registryOf = (location: Location): string | null =>
  location.kind === 'registry' ? location.reference.registry : null;
