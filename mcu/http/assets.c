/* Files that are part of the program. The Makefile knows that this object depends on them. */
#include "http/http_priv.h"

#define ASSET(name, file)                                                                          \
	__asm__(".section .rodata\n"                                                               \
		".global " #name "\n"                                                              \
		".global " #name "_end\n" #name ":\n"                                              \
		".incbin \"" file "\"\n" #name "_end:\n"                                           \
		".byte 0\n"                                                                        \
		".previous\n")

ASSET(mcu_asset_openapi, "mcu/http/openapi.json");
ASSET(mcu_asset_index, "mcu/http/index.html");
