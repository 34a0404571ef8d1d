/* Layout files in their directories: reading one, and which there are. */
#include <string.h>

#include "video/layout.h"
#include "video/layout_priv.h"

#define SUFFIX ".yaml"

static void add_names(const char *path, GHashTable *names)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *file;

	while (dir && (file = g_dir_read_name(dir)) &&
	       g_hash_table_size(names) < MCU_MAX_LAYOUT_NAMES) {
		g_autofree char *name = NULL;

		if (!g_str_has_suffix(file, SUFFIX))
			continue;
		name = g_strndup(file, strlen(file) - strlen(SUFFIX));
		if (mcu_layout_check_name(name, NULL) == 0)
			g_hash_table_add(names, g_steal_pointer(&name));
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *mcu_layout_names(const char *const *dirs)
{
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	const char *name;

	g_hash_table_add(names, g_strdup("auto"));
	for (; *dirs; dirs++)
		add_names(*dirs, names);
	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, (void **)&name, NULL))
		g_ptr_array_add(list, g_strdup(name));
	g_ptr_array_sort(list, by_name);
	return list;
}

int mcu_layout_load(const char *dir, const char *name, McuLayout **ret, McuDiag *reterr)
{
	g_autoptr(McuLayout) layout = NULL;
	g_autofree char *path = NULL, *text = NULL;
	g_autofree char *file = NULL;
	gsize len = 0;
	int err = mcu_layout_check_name(name, reterr);

	if (err < 0)
		return err;
	file = g_strconcat(name, SUFFIX, NULL);
	path = g_build_filename(dir, file, NULL);
	if (!g_file_get_contents(path, &text, &len, NULL)) {
		mcu_diag_where(reterr, 0, 0, "%s", path);
		return mcu_diag(reterr, -ENOENT, "found no readable file for layout %s", name);
	}
	err = mcu_layout_parse(text, len, path, &layout, reterr);
	if (err < 0)
		return err;
	if (strcmp(layout->name, name)) {
		mcu_diag_where(reterr, 0, 0, "%s", path);
		return mcu_diag(reterr, -EINVAL,
				"found name: %s, expected %s as in the file's name", layout->name,
				name);
	}
	*ret = g_steal_pointer(&layout);
	return 0;
}
