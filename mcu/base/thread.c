#include "base/thread.h"

#include <glib-unix.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

GThread *mcu_thread_start(const char *name, GThreadFunc fn, void *data)
{
	return g_thread_new(name, fn, data);
}

struct McuWake {
	int fd;
	_Atomic bool pending;
	GSource *source;
	GFunc fn;
	void *data;
};

static gboolean on_event(gint fd, GIOCondition condition, gpointer data)
{
	McuWake *wake = data;
	uint64_t count;

	(void)condition;
	if (read(fd, &count, sizeof(count)) < 0)
		return G_SOURCE_CONTINUE;
	/* cleared before the work: what arrives during it wakes again */
	atomic_store(&wake->pending, false);
	wake->fn(wake->data, NULL);
	return G_SOURCE_CONTINUE;
}

McuWake *mcu_wake_new(GMainContext *context, GFunc fn, void *data)
{
	McuWake *wake = g_new0(McuWake, 1);

	wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake->fd < 0)
		g_error("eventfd: %s", g_strerror(errno));
	wake->fn = fn;
	wake->data = data;
	wake->source = g_unix_fd_source_new(wake->fd, G_IO_IN);
	g_source_set_priority(wake->source, G_PRIORITY_HIGH);
	g_source_set_callback(wake->source, G_SOURCE_FUNC(on_event), wake, NULL);
	g_source_attach(wake->source, context);
	return wake;
}

void mcu_wake_free(McuWake *wake)
{
	if (!wake)
		return;
	g_source_destroy(wake->source);
	g_source_unref(wake->source);
	close(wake->fd);
	g_free(wake);
}

void mcu_wake(McuWake *wake)
{
	uint64_t one = 1;

	if (atomic_exchange(&wake->pending, true))
		return;
	/* fails only when the counter is full, and then the reader is awake already */
	if (write(wake->fd, &one, sizeof(one)) < 0)
		return;
}
