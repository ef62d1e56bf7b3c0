/** Why an engine refuses rules with targets; goes when bpf/process.bpf.c keeps them. */
export const noTargets = 'it cannot tell the processes of one tree apart yet'
