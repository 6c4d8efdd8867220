import {definedMembers} from '../../oci/defined-members.ts';
import {defineCommand} from '../command.ts';
import {PLATFORM_FLAG} from '../options/image.ts';
import {parseImagePath} from '../options/image-path.ts';

/** `winch cat` */
export const catCommand = defineCommand({
  name: 'cat',
  summary: 'Print files of an image',
  description:
    'As a container would first see them; symlinks are followed within the image. Nothing is mounted or unpacked: only ' +
    'the files asked for are read. Nothing is printed unless all of them are there.',
  positionals: {usage: 'IMAGE:/PATH...', minimum: 1, images: Number.POSITIVE_INFINITY},
  options: {...PLATFORM_FLAG},
  examples: [
    ['winch cat alpine:/etc/os-release', 'One file'],
    ['winch cat app:1:/app/package.json | jq .version', 'Of an image with a tag'],
    ['winch cat app:1:/etc/passwd app:2:/etc/passwd', 'Several, one after the other'],
  ],
  handle: async ({values: {platform}, positionals}, {openToolkit, writeBytes, signal, onEvent}) => {
    const sources = positionals.map(parseImagePath);
    const {images} = await openToolkit();
    const options = {...definedMembers({platform}), signal, onEvent};
    using files = new DisposableStack();
    const contents = [];
    for (const source of sources) {
      const {content, close} = await images.readFile(source, options);
      files.defer(close);
      contents.push(content);
    }
    for (const content of contents) {
      for await (const piece of content) if (!writeBytes(piece)) return 0;
    }
    return 0;
  },
});
