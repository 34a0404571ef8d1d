#define G_LOG_DOMAIN "tessera"
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static const char *const level_names[] = {
	[MCU_LOG_ERROR] = "error",
	[MCU_LOG_WARNING] = "warning",
	[MCU_LOG_INFO] = "info",
	[MCU_LOG_DEBUG] = "debug",
};

/* The one process-wide setting; everything else hangs off objects. */
static _Atomic int threshold = MCU_LOG_INFO;

const char *mcu_log_level_name(McuLogLevel level)
{
	return level_names[level];
}

int mcu_log_level_parse(const char *name, McuLogLevel *ret_level)
{
	for (unsigned i = MCU_LOG_ERROR; i <= MCU_LOG_DEBUG; i++) {
		if (strcmp(level_names[i], name) == 0) {
			*ret_level = (McuLogLevel)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool mcu_log_enabled(McuLogLevel level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static GLogLevelFlags to_glib(McuLogLevel level)
{
	switch (level) {
	case MCU_LOG_ERROR:
		return G_LOG_LEVEL_CRITICAL;
	case MCU_LOG_WARNING:
		return G_LOG_LEVEL_WARNING;
	case MCU_LOG_INFO:
		return G_LOG_LEVEL_MESSAGE;
	default:
		return G_LOG_LEVEL_DEBUG;
	}
}

static McuLogLevel from_glib(GLogLevelFlags flags)
{
	if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		return MCU_LOG_ERROR;
	if (flags & G_LOG_LEVEL_WARNING)
		return MCU_LOG_WARNING;
	return flags & G_LOG_LEVEL_MESSAGE ? MCU_LOG_INFO : MCU_LOG_DEBUG;
}

static const char *field(const GLogField *fields, gsize n, const char *key)
{
	for (gsize i = 0; i < n; i++)
		if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
			return fields[i].value;
	return NULL;
}

static void write_line(McuLogLevel level, const GLogField *fields, gsize n)
{
	const char *message = field(fields, n, "MESSAGE");
	const char *ctx = field(fields, n, "TESSERA_CONTEXT");
	const char *domain = field(fields, n, "GLIB_DOMAIN");
	struct timespec ts;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	if (!ctx && domain && strcmp(domain, G_LOG_DOMAIN) != 0)
		ctx = domain;
	fprintf(stderr, "%s.%03ldZ %s[%d] %s: %s%s%s%s\n", stamp, ts.tv_nsec / 1000000,
		g_get_prgname() ? g_get_prgname() : "tessera", (int)getpid(), level_names[level],
		ctx ? "[" : "", ctx ? ctx : "", ctx ? "] " : "", message ? message : "");
}

static GLogWriterOutput writer(GLogLevelFlags flags, const GLogField *fields, gsize n, gpointer data)
{
	McuLogLevel level = from_glib(flags);
	const char *domain = field(fields, n, "GLIB_DOMAIN");

	(void)data;
	/* info and debug of libraries are theirs, not the operator's */
	if (level >= MCU_LOG_INFO && (!domain || strcmp(domain, G_LOG_DOMAIN) != 0))
		return G_LOG_WRITER_HANDLED;
	if (!mcu_log_enabled(level))
		return G_LOG_WRITER_HANDLED;
	if (g_log_writer_is_journald(fileno(stderr)) &&
	    g_log_writer_journald(flags, fields, n, NULL) == G_LOG_WRITER_HANDLED)
		return G_LOG_WRITER_HANDLED;
	write_line(level, fields, n);
	return G_LOG_WRITER_HANDLED;
}

void mcu_log_setup(const char *program, McuLogLevel level)
{
	static _Atomic bool installed;

	atomic_store(&threshold, (int)level);
	if (atomic_exchange(&installed, true))
		return;
	g_set_prgname(program);
	g_log_set_writer_func(writer, NULL, NULL);
}

void mcu_log(McuLogLevel level, const char *ctx, const char *fmt, ...)
{
	g_autofree char *message = NULL;
	va_list ap;

	if (!mcu_log_enabled(level))
		return;
	va_start(ap, fmt);
	message = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	/* what a peer wrote must not begin a line of its own, nor drive a terminal */
	for (char *p = message; *p; p++)
		if (g_ascii_iscntrl(*p))
			*p = ' ';
	if (ctx)
		g_log_structured(G_LOG_DOMAIN, to_glib(level), "TESSERA_CONTEXT", ctx, "MESSAGE",
				 "%s", message);
	else
		g_log_structured(G_LOG_DOMAIN, to_glib(level), "MESSAGE", "%s", message);
}

bool mcu_log_allow(McuLogLimit *limit, unsigned burst, int64_t interval_ns, unsigned *ret_suppressed)
{
	int64_t now = mcu_now_ns();

	if (!limit->window_start_ns || now - limit->window_start_ns >= interval_ns) {
		limit->window_start_ns = now;
		limit->in_window = 0;
	}
	if (limit->in_window >= burst) {
		limit->suppressed++;
		return false;
	}
	limit->in_window++;
	*ret_suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
