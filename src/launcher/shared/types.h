/* SPDX-License-Identifier: MIT */
/* The integer names that bpf/rule.h expects of the file that includes it. */
#ifndef MINDERBINDER_TYPES_H
#define MINDERBINDER_TYPES_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#include "../../../bpf/rule.h"

#endif
