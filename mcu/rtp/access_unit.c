#include "rtp/access_unit.h"

#include <string.h>

#define READ_OVER 64

McuAccessUnit *mcu_access_unit_new(const uint8_t *bytes, size_t len)
{
	McuAccessUnit *au = g_try_malloc(sizeof(*au) + len + READ_OVER);

	if (!au)
		return NULL;
	*au = (McuAccessUnit){ .data = (uint8_t *)(au + 1), .len = len };
	if (len)
		memcpy(au->data, bytes, len);
	memset(au->data + len, 0, READ_OVER);
	return au;
}

void mcu_access_unit_free(McuAccessUnit *au)
{
	g_free(au);
}
