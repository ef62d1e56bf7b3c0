// SPDX-License-Identifier: MIT

package minderbinder

const sysSeccomp = 317 // Newer than package syscall.
