/* SPDX-License-Identifier: MIT */
#include "deciding.h"

pthread_mutex_t deciding = PTHREAD_MUTEX_INITIALIZER;
