/** System call numbers differ by architecture: both that the launcher is built for. */
export type Architecture = 'x86_64' | 'arm64'
