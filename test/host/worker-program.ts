/** A worker: answers messages, copies its input to its output, and fails when it is asked to. */
process.on('message', (message: {readonly value?: unknown; readonly exit?: number}) => {
  if (message.exit !== undefined) process.exit(message.exit);
  process.send?.(message);
});
process.stdin.pipe(process.stdout);
process.stderr.write('ready');
