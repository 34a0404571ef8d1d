#include "video/pool.h"

#include <pthread.h>

#include "base/thread.h"

/* Access units of one source in a row, before others have their turn. */
#define TURN 4

struct McuDecodePool {
	pthread_mutex_t lock; /* leaf: held for list operations only */
	pthread_cond_t work;
	GQueue ready; /* McuVideoSource, one reference each; `scheduled` is true */
	bool stopping;
	unsigned n_threads;
	GThread *threads[MCU_MAX_DECODE_THREADS];
};

/* With the lock held. */
static void enqueue(McuDecodePool *pool, McuVideoSource *s)
{
	s->scheduled = true;
	g_queue_push_tail(&pool->ready, s);
}

/* One turn of one source. Keeps or drops the queue's reference. */
static void serve(McuDecodePool *pool, McuVideoSource *s)
{
	bool more;

	mcu_video_source_decode(s, TURN);
	pthread_mutex_lock(&pool->lock);
	/* under the lock, so that a push in between is not overlooked */
	more = mcu_video_source_pending(s);
	if (more)
		enqueue(pool, s);
	else
		s->scheduled = false;
	pthread_mutex_unlock(&pool->lock);
	if (!more)
		mcu_video_source_unref(s);
}

static void *decode_thread(void *data)
{
	McuDecodePool *pool = data;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping) {
		McuVideoSource *s = g_queue_pop_head(&pool->ready);

		if (!s) {
			pthread_cond_wait(&pool->work, &pool->lock);
			continue;
		}
		pthread_mutex_unlock(&pool->lock);
		serve(pool, s);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

McuDecodePool *mcu_decode_pool_new(unsigned threads)
{
	McuDecodePool *pool = g_new0(McuDecodePool, 1);

	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	g_queue_init(&pool->ready);
	pool->n_threads = MIN(threads, MCU_MAX_DECODE_THREADS);
	for (unsigned i = 0; i < pool->n_threads; i++) {
		char name[16];

		g_snprintf(name, sizeof name, "dec%u", i);
		pool->threads[i] = mcu_thread_start(name, decode_thread, pool);
	}
	return pool;
}

void mcu_decode_pool_stop(McuDecodePool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_threads; i++)
		g_thread_join(pool->threads[i]);
	pool->n_threads = 0;
}

void mcu_decode_pool_free(McuDecodePool *pool)
{
	if (!pool)
		return;
	mcu_decode_pool_stop(pool);
	g_queue_clear_full(&pool->ready, (GDestroyNotify)mcu_video_source_unref);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	g_free(pool);
}

void mcu_decode_pool_schedule(McuDecodePool *pool, McuVideoSource *s)
{
	pthread_mutex_lock(&pool->lock);
	if (!s->scheduled) {
		enqueue(pool, mcu_video_source_ref(s));
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
}

void mcu_decode_pool_run(McuDecodePool *pool)
{
	McuVideoSource *s;

	while ((s = g_queue_pop_head(&pool->ready)))
		serve(pool, s);
}
