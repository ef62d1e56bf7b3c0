// SPDX-License-Identifier: MIT

package minderbinder

const sysSeccomp = 277
