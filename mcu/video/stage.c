#include "video/stage.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/handoff.h"
#include "base/thread.h"
#include "video/count.h"

/* After a plan was published, the one before it is freed within this time. */
#define REAP_NS (500 * MCU_NS_PER_MS)

typedef struct Job {
	McuScene scene;
	McuVideoSource *sources[MCU_MAX_SLOTS];
} Job;

struct McuStage {
	char *lone, *empty;
	GThread *thread;
	McuHandoff *plans; /* label -> vtick */
	_Atomic uint64_t renders;

	/* --- label --- */
	McuLabels *labels;

	pthread_mutex_t lock;  /* leaf: held to move a pointer */
	pthread_cond_t wanted; /* on CLOCK_MONOTONIC */
	Job *job;              /* newest, not yet begun */
	bool stopping;
};

static void job_free(Job *job)
{
	if (!job)
		return;
	for (size_t i = 0; i < job->scene.n; i++)
		mcu_video_source_unref(job->sources[i]);
	g_free(job);
}

static void plan_free(void *plan)
{
	mcu_plan_free(plan);
}

static void do_job(McuStage *stage, const Job *job)
{
	McuPlanTexts texts = { stage->lone, stage->empty };
	uint64_t before = mcu_labels_drawn(stage->labels);

	mcu_handoff_publish(stage->plans,
			    mcu_plan_new(&job->scene, job->sources, stage->labels, &texts));
	count_add(&stage->renders, mcu_labels_drawn(stage->labels) - before);
}

/* With the lock held; false when nothing came in REAP_NS. */
static bool wait_for_job(McuStage *stage)
{
	int64_t until = mcu_now_ns() + REAP_NS;
	struct timespec ts = { until / MCU_NS_PER_SEC, until % MCU_NS_PER_SEC };

	return pthread_cond_timedwait(&stage->wanted, &stage->lock, &ts) != ETIMEDOUT;
}

static void *label_thread(void *data)
{
	McuStage *stage = data;
	bool published = false;

	pthread_mutex_lock(&stage->lock);
	while (!stage->stopping) {
		Job *job = g_steal_pointer(&stage->job);

		if (job) {
			pthread_mutex_unlock(&stage->lock);
			do_job(stage, job);
			job_free(job);
			published = true;
			pthread_mutex_lock(&stage->lock);
		} else if (!published) {
			pthread_cond_wait(&stage->wanted, &stage->lock);
		} else if (!wait_for_job(stage)) {
			mcu_handoff_reap(stage->plans);
			published = false;
		}
	}
	pthread_mutex_unlock(&stage->lock);
	return NULL;
}

McuStage *mcu_stage_new(int width, int height, const McuPlanTexts *texts, bool threaded)
{
	McuStage *stage = g_new0(McuStage, 1);
	pthread_condattr_t monotonic;

	stage->lone = g_strdup(texts->lone);
	stage->empty = g_strdup(texts->empty);
	stage->plans = mcu_handoff_new(plan_free);
	stage->labels = mcu_labels_new(width, height);
	pthread_mutex_init(&stage->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&stage->wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (threaded)
		stage->thread = mcu_thread_start("label", label_thread, stage);
	return stage;
}

void mcu_stage_stop(McuStage *stage)
{
	if (!stage->thread)
		return;
	pthread_mutex_lock(&stage->lock);
	stage->stopping = true;
	pthread_cond_signal(&stage->wanted);
	pthread_mutex_unlock(&stage->lock);
	g_thread_join(g_steal_pointer(&stage->thread));
}

void mcu_stage_free(McuStage *stage)
{
	if (!stage)
		return;
	mcu_stage_stop(stage);
	job_free(stage->job);
	mcu_handoff_free(stage->plans);
	mcu_labels_free(stage->labels);
	pthread_cond_destroy(&stage->wanted);
	pthread_mutex_destroy(&stage->lock);
	g_free(stage->lone);
	g_free(stage->empty);
	g_free(stage);
}

void mcu_stage_submit(McuStage *stage, const McuScene *scene, McuVideoSource *const *sources)
{
	Job *job = g_new(Job, 1), *older;

	job->scene = *scene;
	for (size_t i = 0; i < scene->n; i++)
		job->sources[i] = sources[i] ? mcu_video_source_ref(sources[i]) : NULL;
	if (!stage->thread) {
		do_job(stage, job);
		job_free(job);
		return;
	}
	pthread_mutex_lock(&stage->lock);
	older = stage->job;
	stage->job = job;
	pthread_cond_signal(&stage->wanted);
	pthread_mutex_unlock(&stage->lock);
	job_free(older);
}

const McuPlan *mcu_stage_plan(McuStage *stage)
{
	return mcu_handoff_acquire(stage->plans);
}

uint64_t mcu_stage_renders(McuStage *stage)
{
	return count_get(&stage->renders);
}
