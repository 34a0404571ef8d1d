/* How many bytes the kernel has taken from us on a TCP socket, acknowledged or not: what a library
 * was given and the kernel has not taken is still in the library's queue. */
#pragma once
#include <stdint.h>

/** Counts from any origin; differences mean something. 0 when the socket is gone. Thread: any. */
uint64_t mcu_sendq_taken(int fd);
