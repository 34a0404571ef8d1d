#include "daemon/supervisor.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/client.h"

/** How long a worker may take to exit after its socket closed, before it is killed. */
#define EXIT_GRACE_MS 1500

/* Reference-counted: replies and the exit watch may come after _free(). */
struct McuWorkerProc {
	const McuWorkerProcEvents *events;
	void *data;
	GVariant *options;
	char *call;
	McuIpcClient *ipc;
	GSubprocess *process;
	bool connected, started, lost, dead;
	bool ended_here; /* its SIGKILL is ours */
	unsigned timeouts; /* unanswered in a row */
	guint health_timer;
};

typedef struct Request {
	McuWorkerProc *worker;
	McuWorkerReplyFn fn;
	void *data;
} Request;

static void proc_clear(void *p)
{
	McuWorkerProc *w = p;

	g_clear_pointer(&w->options, g_variant_unref);
	g_clear_pointer(&w->call, g_free);
	g_clear_object(&w->process);
}

static void proc_unref(McuWorkerProc *w)
{
	g_rc_box_release_full(w, proc_clear);
}

static void report_lost(McuWorkerProc *w, int err, const char *reason)
{
	if (w->dead || w->lost)
		return;
	w->lost = true;
	w->events->lost(w->data, err, reason);
}

static void on_reply(void *p, int err, const char *text, GVariant *result)
{
	Request *rq = p;
	McuWorkerProc *w = rq->worker;

	w->timeouts = err == -ETIMEDOUT ? w->timeouts + 1 : 0;
	if (rq->fn)
		rq->fn(rq->data, w->dead ? -ECANCELED : err, text, result);
	if (w->timeouts >= MCU_WORKER_MAX_TIMEOUTS)
		report_lost(w, -ETIMEDOUT, "it no longer answers");
	proc_unref(w);
	g_free(rq);
}

static gboolean on_idle_refusal(gpointer p)
{
	on_reply(p, -EPIPE, "the worker of the call is not running", NULL);
	return G_SOURCE_REMOVE;
}

void mcu_worker_proc_request(McuWorkerProc *w, const char *method, GVariant *args,
			     unsigned timeout_ms, McuWorkerReplyFn fn, void *data)
{
	Request *rq = g_new(Request, 1);

	*rq = (Request){ .worker = g_rc_box_acquire(w), .fn = fn, .data = data };
	if (w->connected && !w->lost) {
		mcu_ipc_client_request(w->ipc, method, args, timeout_ms, on_reply, rq);
		return;
	}
	if (args)
		g_variant_unref(g_variant_ref_sink(args));
	g_idle_add(on_idle_refusal, rq);
}

static gboolean on_health(gpointer p)
{
	mcu_worker_proc_request(p, "Stats", NULL, MCU_SIGNALLING_TIMEOUT_MS, NULL, NULL);
	return G_SOURCE_CONTINUE;
}

static void on_start_reply(void *p, int err, const char *text, GVariant *result)
{
	McuWorkerProc *w = p;

	(void)result;
	if (w->lost || w->dead)
		return;
	if (err) {
		report_lost(w, err, text);
		return;
	}
	w->started = true;
	w->health_timer = g_timeout_add(MCU_WORKER_HEALTH_MS, on_health, w);
	w->events->started(w->data);
}

static void on_ready(void *p)
{
	McuWorkerProc *w = p;

	w->connected = true;
	mcu_worker_proc_request(w, "Start", g_variant_new("(s@a{sv})", w->call, w->options),
				MCU_START_TIMEOUT_MS, on_start_reply, w);
}

static void on_leg_event(void *p, const char *leg, const char *event, GVariant *detail)
{
	McuWorkerProc *w = p;

	if (!w->dead && !w->lost)
		w->events->leg_event(w->data, leg, event, detail);
}

static void on_call_event(void *p, const char *event, GVariant *detail)
{
	McuWorkerProc *w = p;

	if (!w->dead && !w->lost)
		w->events->call_event(w->data, event, detail);
}

static void on_closed(void *p, const char *reason)
{
	mcu_debug(((McuWorkerProc *)p)->call, "worker: %s", reason);
	report_lost(p, -EPIPE, "its connection closed");
}

static const McuIpcClientEvents ipc_events = {
	.ready = on_ready,
	.leg_event = on_leg_event,
	.call_event = on_call_event,
	.closed = on_closed,
};

static void on_exit_seen(GObject *source, GAsyncResult *res, gpointer p)
{
	GSubprocess *process = G_SUBPROCESS(source);
	McuWorkerProc *w = p;
	char reason[64];

	(void)g_subprocess_wait_finish(process, res, NULL);
	if (g_subprocess_get_if_signaled(process))
		g_snprintf(reason, sizeof(reason), "killed by signal %d",
			   g_subprocess_get_term_sig(process));
	else
		g_snprintf(reason, sizeof(reason), "exited with status %d",
			   g_subprocess_get_exit_status(process));
	if (!g_subprocess_get_successful(process) &&
	    !(w->ended_here && g_subprocess_get_if_signaled(process) &&
	      g_subprocess_get_term_sig(process) == SIGKILL))
		mcu_warning(w->call, "worker %s", reason);
	report_lost(w, -EPIPE, reason);
	proc_unref(w);
}

int mcu_worker_proc_new(const McuWorkerProcParams *params, McuWorkerProc **ret, McuDiag *reterr)
{
	McuWorkerProc *w;
	g_autoptr(GVariant) options = g_variant_ref_sink(params->options);
	GSubprocess *process = NULL;
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return mcu_diag(reterr, -EIO, "no socket for a worker: %s", g_strerror(errno));
	r = params->spawn(params->spawn_data, params->call, fds[1], &process, reterr);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	w = g_rc_box_new0(McuWorkerProc);
	w->events = params->events;
	w->data = params->data;
	w->options = g_steal_pointer(&options);
	w->call = g_strdup(params->call);
	w->process = process;
	w->ipc = mcu_ipc_client_new(fds[0], &ipc_events, w);
	if (process)
		g_subprocess_wait_async(process, NULL, on_exit_seen, g_rc_box_acquire(w));
	*ret = w;
	return 0;
}

static gboolean on_grace_over(gpointer p)
{
	g_subprocess_force_exit(p);
	return G_SOURCE_REMOVE;
}

void mcu_worker_proc_free(McuWorkerProc *w)
{
	if (!w)
		return;
	w->dead = true;
	if (w->health_timer)
		g_source_remove(w->health_timer);
	g_clear_pointer(&w->ipc, mcu_ipc_client_free);
	if (w->process && w->lost) {
		w->ended_here = true;
		g_subprocess_force_exit(w->process);
	} else if (w->process) {
		g_timeout_add_full(G_PRIORITY_DEFAULT, EXIT_GRACE_MS, on_grace_over,
				   g_object_ref(w->process), g_object_unref);
	}
	proc_unref(w);
}

void mcu_worker_proc_kill(McuWorkerProc *w)
{
	if (w->process)
		g_subprocess_force_exit(w->process);
}

static char *default_program(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = self ? g_path_get_dirname(self) : g_strdup(".");

	return g_build_filename(dir, "mcu-worker", NULL);
}

int mcu_worker_spawn_program(void *path, const char *call, int fd, GSubprocess **ret_process,
			     McuDiag *reterr)
{
	const char *given = path;
	g_autofree char *program = given && *given ? g_strdup(given) : default_program();
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_autoptr(GError) error = NULL;
	GSubprocess *process;

	g_subprocess_launcher_take_fd(launcher, fd, 3);
	process = g_subprocess_launcher_spawn(launcher, &error, program, "--fd", "3", "--call",
					      call, NULL);
	/* our copy must be gone, or the worker's end would never be seen to close */
	g_subprocess_launcher_close(launcher);
	if (!process)
		return mcu_diag(reterr, -EIO, "%s: %s", program, error->message);
	*ret_process = process;
	return 0;
}
