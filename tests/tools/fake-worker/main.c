/* fake-worker --fd N --call ID: mcu-worker without media (fake_worker.h). */
#include <stdio.h>
#include <stdlib.h>

#include "fake_worker.h"

static void on_closed(void *data)
{
	g_main_loop_quit(data);
}

int main(int argc, char **argv)
{
	int fd = -1;
	char *call = NULL;
	const GOptionEntry entries[] = {
		{ "fd", 0, 0, G_OPTION_ARG_INT, &fd, "Socket to the daemon", "N" },
		{ "call", 0, 0, G_OPTION_ARG_STRING, &call, "Call", "ID" },
		{ 0 },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	FakeWorker *w;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, NULL) || fd < 0)
		return 2;
	w = fake_worker_new(fd);
	w->closed = on_closed;
	w->data = loop;
	g_main_loop_run(loop);
	fake_worker_free(w);
	g_free(call);
	return EXIT_SUCCESS;
}
