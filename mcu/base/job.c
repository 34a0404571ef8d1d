#include "base/job.h"

#include <gio/gio.h>

/* GLib hands the job over with a lock that ThreadSanitizer does not see. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define TAKEN_OVER(job)  __tsan_acquire(job)
#define HANDED_OVER(job) __tsan_release(job)
#else
#define TAKEN_OVER(job)  ((void)(job))
#define HANDED_OVER(job) ((void)(job))
#endif

typedef struct Job {
	void (*work)(void *data);
	void (*done)(void *data);
	void *data;
} Job;

static void run(GTask *task, void *source, void *data, GCancellable *cancellable)
{
	Job *job = data;

	(void)source;
	(void)cancellable;
	TAKEN_OVER(job);
	job->work(job->data);
	HANDED_OVER(job);
	g_task_return_boolean(task, TRUE);
}

static void on_done(GObject *source, GAsyncResult *result, void *data)
{
	Job *job = data;

	(void)source;
	(void)result;
	TAKEN_OVER(job);
	job->done(job->data);
	g_free(job);
}

void mcu_job_run(void (*work)(void *data), void (*done)(void *data), void *data)
{
	Job *job = g_new(Job, 1);
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_done, job);

	*job = (Job){ work, done, data };
	g_task_set_task_data(task, job, NULL);
	HANDED_OVER(job);
	g_task_run_in_thread(task, run);
}
