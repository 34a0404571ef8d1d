/* mcu-worker: the media of one call. Started by mcud with a socketpair; lives as long as that. */
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "worker/service.h"

#define NICENESS (-10)

static void on_closed(GDBusConnection *connection, gboolean remote, GError *error, GMainLoop *loop)
{
	(void)connection;
	(void)remote;
	(void)error;
	g_main_loop_quit(loop);
}

static GDBusConnection *connect_fd(int fd, GError **error)
{
	g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, error);
	g_autoptr(GSocketConnection) stream = NULL;

	if (!socket)
		return NULL;
	stream = g_socket_connection_factory_create_connection(socket);
	return g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL,
					  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
						  G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
					  NULL, NULL, error);
}

static int serve(int fd, const char *call)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(GDBusConnection) connection = NULL;
	g_autoptr(McuService) service = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	McuDiag diag = { 0 };

	connection = connect_fd(fd, &error);
	if (!connection) {
		mcu_error(call, "no connection to mcud on descriptor %d: %s", fd, error->message);
		return EXIT_FAILURE;
	}
	if (mcu_service_new(connection, call, &service, &diag) < 0) {
		text = mcu_diag_str(&diag);
		mcu_error(call, "%s", text);
		return EXIT_FAILURE;
	}
	g_signal_connect(connection, "closed", G_CALLBACK(on_closed), loop);
	g_dbus_connection_start_message_processing(connection);
	g_main_loop_run(loop);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int fd = -1;
	g_autofree char *call = NULL;
	gboolean version = FALSE;
	const GOptionEntry entries[] = {
		{ "fd", 0, 0, G_OPTION_ARG_INT, &fd, "socket to mcud", "N" },
		{ "call", 0, 0, G_OPTION_ARG_STRING, &call, "id of the call, for logs", "ID" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- media worker of one call");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "mcu-worker: %s\n", error->message);
		return 2;
	}
	if (version) {
		puts("mcu-worker " MCU_VERSION);
		return EXIT_SUCCESS;
	}
	if (fd < 0 || !call) {
		fputs("mcu-worker is started by mcud: --fd and --call are needed\n", stderr);
		return 2;
	}
	mcu_log_setup("mcu-worker", MCU_LOG_INFO);
	/* mcud decides when a worker ends; a terminal's Ctrl-C reaches the whole process group */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a full disk, not the end of the meeting */
	/* media goes before batch work on the same machine, where that is permitted */
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	return serve(fd, call);
}
