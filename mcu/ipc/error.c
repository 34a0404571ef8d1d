#include "ipc/error.h"

#include <string.h>

#define ERROR_PREFIX "org.tessera.Error."

char *mcu_ipc_error_name(int err)
{
	char *name = g_strconcat(ERROR_PREFIX, mcu_err_name(err), NULL);

	return g_strdelimit(name, "-", '_');
}

int mcu_ipc_error_from_name(const char *name)
{
	g_autofree char *ours = NULL;

	if (!name || !g_str_has_prefix(name, ERROR_PREFIX))
		return -EIO;
	ours = g_strdelimit(g_strdup(name + strlen(ERROR_PREFIX)), "_", '-');
	return mcu_err_from_name(ours);
}
