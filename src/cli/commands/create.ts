import {defineCommand} from '../command.ts';
import {createFrom} from '../create-from.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {CREATE_FLAGS, parseCreateRequest} from '../options/create-request.ts';

/** `winch create` */
export const createCommand = defineCommand({
  name: 'create',
  summary: 'Make a container that stays until it is removed, and print its id',
  description: 'winch start runs it, any number of times; what it writes is kept in between. Needs conmon.',
  positionals: {usage: 'IMAGE [COMMAND] [ARGUMENT...]', minimum: 1, images: 1},
  options: CREATE_FLAGS,
  stopsAtPositional: true,
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch create --name db -v /srv/db:/data postgres:17', 'To be started later'],
    ['winch start $(winch create alpine date)', 'By its id'],
  ],
  handle: async ({values, positionals}, context) => {
    const {id} = await createFrom(parseCreateRequest(values, positionals, context.environment), values, context);
    context.print(id);
    return 0;
  },
});
