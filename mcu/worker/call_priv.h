/* What call.c, call_events.c, call_output.c and call_stats.c share. Stays inside worker/. */
#pragma once
#include "audio/engine.h"
#include "base/timer.h"
#include "hw/hw.h"
#include "video/engine.h"
#include "worker/call.h"
#include "worker/feed.h"
#include "worker/leg.h"
#include "worker/options.h"
#include "worker/recording.h"

typedef struct McuParticipant {
	char *id, *name;
	uint32_t num; /* its name in the audio engine */
	bool muted, camera_off, hidden, held;
} McuParticipant;

struct McuCall {
	char *id;
	McuCallHandler handler;
	void *data;
	McuWorkerOptions options;
	bool started;
	int64_t start_ns;
	uint32_t last_id;

	HwDevice *device;
	McuAudioEngine *audio;
	McuVideoEngine *video;
	McuFeeds *feeds;

	GHashTable *participants; /* id -> McuParticipant, owning */
	GHashTable *legs;         /* id -> McuLeg, owning */
	GHashTable *timed_out;    /* ids of legs that were reported, owning */
	GHashTable *listeners;    /* number -> McuStream of an audio leg */
	GHashTable *sources;      /* number -> McuStream of a video leg */
	McuTimer *watch;          /* once a second */

	McuRecording *recording;
	unsigned jobs; /* recordings that close, pictures that become JPEGs */
};

/** Tell the daemon; `detail` floating or NULL. */
void mcu_call_emit(McuCall *call, const char *event, GVariant *detail);

/** One string member. */
GVariant *mcu_detail(const char *key, const char *value);

/* call_events.c: what the engines and legs report */
extern const McuAudioHandler mcu_call_audio_handler;
void mcu_call_video_events(McuCall *call, McuVideoEvents *ret);
void mcu_call_stream_env(McuCall *call, McuParticipant *p, McuStreamEnv *ret);
void mcu_call_watch(void *data);

/** 0, or -EPROTO when Start has not come yet. */
int mcu_call_check_started(const McuCall *call, McuDiag *reterr) MCU_WARN_UNUSED;

/* call_output.c */
#define MCU_CALL_CLOSE_TIMEOUT_NS (3 * MCU_NS_PER_SEC)

/** Detach call->recording (not NULL) and close it in a thread; `done` may be NULL. */
void mcu_call_close_recording(McuCall *call, McuCallDone done, void *data);

/** Pass a participant's properties to the engines. */
void mcu_call_show_participant(McuCall *call, const McuParticipant *p);
