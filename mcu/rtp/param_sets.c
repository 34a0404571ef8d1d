#include "rtp/param_sets.h"

#include <glib.h>
#include <string.h>

static void store(McuParamSet *set, const uint8_t *nal, size_t len, unsigned refers)
{
	if (!set->nal || set->len != len || memcmp(set->nal, nal, len) != 0) {
		g_free(set->nal);
		set->nal = g_memdup2(nal, len);
		set->len = len;
	}
	set->refers = refers;
}

static int add_sps(McuParamSets *sets, const uint8_t *nal, size_t len)
{
	McuH264Sps sps;
	int r = mcu_h264_parse_sps(nal, len, &sps);

	if (r < 0)
		return r;
	store(&sets->sps[sps.id], nal, len, 0);
	sets->parsed[sps.id] = sps;
	sets->current = sps.id;
	sets->any = true;
	return 0;
}

int mcu_param_sets_add(McuParamSets *sets, const uint8_t *nal, size_t len)
{
	unsigned id, sps_id;
	int r;

	if (len == 0)
		return -EINVAL;
	if (len > MCU_H264_MAX_PARAM)
		return -EOVERFLOW;
	if (mcu_h264_nal_type(nal) == MCU_H264_NAL_SPS)
		return add_sps(sets, nal, len);
	r = mcu_h264_parse_pps(nal, len, &id, &sps_id);
	if (r < 0)
		return r;
	if (id >= MCU_H264_MAX_PPS)
		return -EOVERFLOW;
	store(&sets->pps[id], nal, len, sps_id);
	return 0;
}

void mcu_param_sets_done(McuParamSets *sets)
{
	for (size_t i = 0; i < MCU_H264_MAX_SPS; i++)
		g_free(sets->sps[i].nal);
	for (size_t i = 0; i < MCU_H264_MAX_PPS; i++)
		g_free(sets->pps[i].nal);
	*sets = (McuParamSets){ 0 };
}

const McuH264Sps *mcu_param_sets_find(const McuParamSets *sets, unsigned pps_id)
{
	const McuParamSet *pps = pps_id < MCU_H264_MAX_PPS ? &sets->pps[pps_id] : NULL;

	if (!pps || !pps->nal || !sets->sps[pps->refers].nal)
		return NULL;
	return &sets->parsed[pps->refers];
}
