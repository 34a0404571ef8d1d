/* Turns the tables of the loop side into one immutable plan for the tick. */
#include "audio/engine_priv.h"

static void add_part(Plan *plan, AudioPart *part)
{
	for (unsigned i = 0; i < plan->n_parts; i++) {
		if (plan->parts[i] == part)
			return;
	}
	plan->parts[plan->n_parts++] = mcu_audio_part_ref(part);
}

static void list_sources(Plan *plan, McuAudioEngine *engine)
{
	GHashTableIter it;
	void *value;

	plan->sources = g_new(AudioSource *, g_hash_table_size(engine->sources) + 1);
	plan->leaving = g_new(AudioSource *, engine->leaving->len + 1);
	plan->parts =
		g_new(AudioPart *, g_hash_table_size(engine->parts) + engine->leaving->len + 1);
	g_hash_table_iter_init(&it, engine->parts);
	while (g_hash_table_iter_next(&it, NULL, &value))
		add_part(plan, value);
	g_hash_table_iter_init(&it, engine->sources);
	while (g_hash_table_iter_next(&it, NULL, &value))
		plan->sources[plan->n_sources++] = mcu_audio_source_ref(value);
	for (unsigned i = 0; i < engine->leaving->len; i++) {
		AudioSource *source = g_ptr_array_index(engine->leaving, i);

		plan->leaving[plan->n_leaving++] = mcu_audio_source_ref(source);
		add_part(plan, source->part);
	}
}

static int by_voice(const void *a, const void *b)
{
	const AudioListener *la = *(AudioListener *const *)a, *lb = *(AudioListener *const *)b;

	if (la->voice->group != lb->voice->group)
		return la->voice->group < lb->voice->group ? -1 : 1;
	if (la->voice != lb->voice)
		return la->voice < lb->voice ? -1 : 1;
	return la->id < lb->id ? -1 : la->id > lb->id;
}

static void add_listener(Plan *plan, const AudioListener *listener, unsigned *n_voices,
			 unsigned *n_ids)
{
	PlanGroup *group = plan->n_groups ? &plan->groups[plan->n_groups - 1] : NULL;
	PlanVoice *voice;

	if (!group || group->group != listener->voice->group) {
		group = &plan->groups[plan->n_groups++];
		*group = (PlanGroup){ .group = listener->voice->group,
				      .voices = &plan->voices[*n_voices] };
	}
	voice = group->n_voices ? &group->voices[group->n_voices - 1] : NULL;
	if (!voice || voice->voice != listener->voice) {
		voice = &plan->voices[(*n_voices)++];
		*voice = (PlanVoice){ .voice = mcu_audio_voice_ref(listener->voice),
				      .ids = &plan->ids[*n_ids] };
		group->n_voices++;
	}
	if (listener->hold)
		return;
	plan->ids[(*n_ids)++] = listener->id;
	voice->n_ids++;
}

static void list_listeners(Plan *plan, McuAudioEngine *engine)
{
	unsigned n = g_hash_table_size(engine->listeners), n_voices = 0, n_ids = 0, i = 0;
	g_autofree AudioListener **all = g_new(AudioListener *, n + 1);
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, engine->listeners);
	while (g_hash_table_iter_next(&it, NULL, &value))
		all[i++] = value;
	qsort(all, n, sizeof(*all), by_voice);
	plan->groups = g_new(PlanGroup, n + 1);
	plan->voices = g_new(PlanVoice, n + 1);
	plan->ids = g_new(uint32_t, n + 1);
	for (i = 0; i < n; i++)
		add_listener(plan, all[i], &n_voices, &n_ids);
}

Plan *mcu_audio_plan_new(McuAudioEngine *engine)
{
	Plan *plan = g_new0(Plan, 1);

	list_sources(plan, engine);
	list_listeners(plan, engine);
	return plan;
}

void mcu_audio_plan_free(Plan *plan)
{
	for (unsigned i = 0; i < plan->n_parts; i++)
		mcu_audio_part_unref(plan->parts[i]);
	for (unsigned i = 0; i < plan->n_sources; i++)
		mcu_audio_source_unref(plan->sources[i]);
	for (unsigned i = 0; i < plan->n_leaving; i++)
		mcu_audio_source_unref(plan->leaving[i]);
	for (unsigned g = 0; g < plan->n_groups; g++) {
		for (unsigned v = 0; v < plan->groups[g].n_voices; v++)
			mcu_audio_voice_unref(plan->groups[g].voices[v].voice);
	}
	g_free(plan->parts);
	g_free(plan->sources);
	g_free(plan->leaving);
	g_free(plan->groups);
	g_free(plan->voices);
	g_free(plan->ids);
	g_free(plan);
}
