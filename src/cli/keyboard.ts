/** A terminal from which keys are read. */
export interface Keyboard {
  /** Whether each key comes at once and as it is, Ctrl-C among them. */
  setRaw(isRaw: boolean): void;
  /** In characters. */
  readSize(): {readonly columns: number; readonly rows: number};
  /** @returns what ends that. */
  onResize(listener: () => void): () => void;
}

const STANDARD_INPUT = 0;

/** The terminal that standard input is. */
export function createKeyboard(input: Pick<NodeJS.ReadStream, 'setRawMode'>): Keyboard {
  return {
    setRaw: (isRaw) => void input.setRawMode(isRaw),
    readSize: () => {
      const {WriteStream} = process.getBuiltinModule('node:tty');
      const [columns, rows] = new WriteStream(STANDARD_INPUT).getWindowSize();
      return {columns, rows};
    },
    onResize: (listener) => {
      process.on('SIGWINCH', listener);
      return () => void process.off('SIGWINCH', listener);
    },
  };
}
