/** A descriptor of a child, as child_process.spawn() takes it: `'inherit'`, `'ignore'`, or one of this process's. */
export type Stdio = 'inherit' | 'ignore' | number
