/* Life of the engine's objects. All of it runs in loop, so the counts are plain numbers. */
#include "audio/engine_priv.h"

AudioPart *mcu_audio_part_new(uint32_t id)
{
	AudioPart *part = g_new0(AudioPart, 1);

	part->refs = 1;
	part->id = id;
	atomic_init(&part->level_dbov, MCU_LEVEL_SILENT_DBOV);
	return part;
}

AudioPart *mcu_audio_part_ref(AudioPart *part)
{
	part->refs++;
	return part;
}

void mcu_audio_part_unref(AudioPart *part)
{
	if (part && --part->refs == 0)
		g_free(part);
}

AudioSource *mcu_audio_source_new(uint32_t id, AudioPart *part, McuAudioReceiver *receiver)
{
	AudioSource *source = g_new0(AudioSource, 1);

	source->refs = 1;
	source->id = id;
	source->part = mcu_audio_part_ref(part);
	source->receiver = receiver;
	atomic_init(&source->counters.level_dbov, MCU_LEVEL_SILENT_DBOV);
	return source;
}

AudioSource *mcu_audio_source_ref(AudioSource *source)
{
	source->refs++;
	return source;
}

void mcu_audio_source_unref(AudioSource *source)
{
	if (!source || --source->refs)
		return;
	mcu_audio_part_unref(source->part);
	mcu_audio_receiver_free(source->receiver);
	g_free(source);
}

AudioGroup *mcu_audio_group_new(const McuAudioSendParams *params, unsigned complexity)
{
	AudioGroup *group = g_new0(AudioGroup, 1);

	group->refs = 1;
	group->params = *params;
	group->shared = mcu_audio_sender_new(params, complexity);
	return group;
}

AudioGroup *mcu_audio_group_ref(AudioGroup *group)
{
	group->refs++;
	return group;
}

void mcu_audio_group_unref(AudioGroup *group)
{
	if (!group || --group->refs)
		return;
	mcu_audio_sender_free(group->shared);
	g_free(group);
}

AudioVoice *mcu_audio_voice_new(AudioGroup *group, AudioPart *part, unsigned complexity)
{
	AudioVoice *voice = g_new0(AudioVoice, 1);

	voice->refs = 1;
	voice->group = mcu_audio_group_ref(group);
	if (part) {
		voice->part = mcu_audio_part_ref(part);
		voice->own = mcu_audio_sender_new(&group->params, complexity);
	}
	return voice;
}

AudioVoice *mcu_audio_voice_ref(AudioVoice *voice)
{
	voice->refs++;
	return voice;
}

void mcu_audio_voice_unref(AudioVoice *voice)
{
	if (!voice || --voice->refs)
		return;
	mcu_audio_sender_free(voice->own);
	mcu_audio_group_unref(voice->group);
	mcu_audio_part_unref(voice->part);
	g_free(voice);
}
