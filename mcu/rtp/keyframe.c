#include "rtp/keyframe.h"

void mcu_keyframe_request_set(McuKeyframeRequest *r, bool wanted)
{
	if (wanted && !r->wanted) {
		r->tries = 0;
		r->retry_ns = MCU_KEYFRAME_RETRY_MIN_NS;
	}
	r->wanted = wanted;
}

bool mcu_keyframe_request_due(McuKeyframeRequest *r, int64_t now_ns)
{
	if (!r->wanted || now_ns < mcu_keyframe_request_deadline(r))
		return false;
	if (r->tries > 0)
		r->retry_ns *= 2;
	if (r->retry_ns > MCU_KEYFRAME_RETRY_MAX_NS)
		r->retry_ns = MCU_KEYFRAME_RETRY_MAX_NS;
	r->tries += r->tries < 2;
	r->ever = true;
	r->last_ns = now_ns;
	r->sent++;
	return true;
}

int64_t mcu_keyframe_request_deadline(const McuKeyframeRequest *r)
{
	if (!r->wanted)
		return INT64_MAX;
	return r->ever ? r->last_ns + r->retry_ns : INT64_MIN;
}
