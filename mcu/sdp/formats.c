/* Payload types: what of an offer or answer we can use, which one we send, and our own offer. */
#include <string.h>

#include "sdp/agent_priv.h"
#include "sdp/sdp_priv.h"

/* RFC 5761 section 4: with rtcp-mux these read as RTCP when the marker bit is set. */
#define FIRST_RTCP_PT 64
#define LAST_RTCP_PT  95

static bool in_list(const McuCodec *list, size_t n, McuCodec codec)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == codec)
			return true;
	return false;
}

/* Clock and channels as the codec's RTP format demands. */
static bool clock_fits(McuCodec codec, const McuSdpRtpmap *map)
{
	switch (codec) {
	case MCU_CODEC_G722:
		/* INTEROP: some devices write the sampling rate instead of RFC 3551's 8000 */
		return map->clock_hz == 8000 || map->clock_hz == 16000;
	case MCU_CODEC_TELEPHONE_EVENT:
	case MCU_CODEC_CN:
		return map->clock_hz == 8000 || map->clock_hz == 16000 || map->clock_hz == 48000;
	default:
		/* INTEROP: opus/48000 without /2 is Opus all the same */
		return map->clock_hz == mcu_codec_clock_hz(codec);
	}
}

static bool codec_allowed(const McuSdpCaps *caps, McuSdpKind kind, McuCodec codec)
{
	if (kind != MCU_SDP_AUDIO)
		return in_list(caps->video, caps->n_video, codec);
	if (codec == MCU_CODEC_TELEPHONE_EVENT)
		return caps->dtmf;
	return codec == MCU_CODEC_CN || in_list(caps->audio, caps->n_audio, codec);
}

static bool h264_allowed(const McuSdpCaps *caps, const McuSdpH264 *h)
{
	if (h->packetization_mode > 1 || !(h->packetization_mode ? caps->h264.mode1
								 : caps->h264.mode0))
		return false;
	return h->profile == MCU_H264_CONSTRAINED_BASELINE ||
	       (caps->h264.high && h->profile != MCU_H264_PROFILE_OTHER);
}

/* High before Constrained Baseline, mode 1 before mode 0; Main only when nothing else is there:
 * we send Constrained Baseline in it. */
static unsigned h264_rank(const McuSdpH264 *h)
{
	unsigned rank = h->packetization_mode ? 4 : 0;

	if (h->profile == MCU_H264_HIGH || h->profile == MCU_H264_CONSTRAINED_HIGH)
		return rank + 2;
	return h->profile == MCU_H264_CONSTRAINED_BASELINE ? rank + 1 : rank;
}

static bool same_profile(const McuSdpH264 *a, const McuSdpH264 *b)
{
	bool a_high = a->profile == MCU_H264_HIGH || a->profile == MCU_H264_CONSTRAINED_HIGH;
	bool b_high = b->profile == MCU_H264_HIGH || b->profile == MCU_H264_CONSTRAINED_HIGH;

	return a->profile == b->profile || (a_high && b_high);
}

/* Turn the peer's receiver into ours: same profile and mode, our level. */
static void h264_ours(const McuSdpCaps *caps, McuSdpH264 *h)
{
	unsigned ours = mcu_sdp_h264_level_rank(h->profile_idc, 0, caps->h264.level_idc);
	unsigned theirs =
		mcu_sdp_h264_level_rank(h->profile_idc, h->profile_iop, h->level_idc);
	unsigned fs, mbps, br;

	if (h->level_asymmetry_allowed || ours < theirs)
		mcu_sdp_h264_set_level(h, caps->h264.level_idc, NULL);
	else
		mcu_sdp_h264_set_level(h, h->level_idc, NULL);
	mcu_sdp_h264_level(h->profile_idc, 0, caps->h264.level_idc, &fs, &mbps, &br);
	h->max_fs = MAX(h->max_fs, MAX(fs, caps->h264.max_fs));
	h->max_mbps = MAX(h->max_mbps, MAX(mbps, caps->h264.max_mbps));
	h->max_br = MAX(h->max_br, MAX(br, caps->h264.max_br));
}

/* The level both sides may send without level asymmetry is the lower one. */
static void h264_limit_level(const McuSdpCaps *caps, const char *fmtp, McuSdpH264 *peer)
{
	unsigned ours = mcu_sdp_h264_level_rank(peer->profile_idc, 0, caps->h264.level_idc);
	unsigned theirs =
		mcu_sdp_h264_level_rank(peer->profile_idc, peer->profile_iop, peer->level_idc);

	if (!peer->level_asymmetry_allowed && ours < theirs)
		mcu_sdp_h264_set_level(peer, caps->h264.level_idc, fmtp);
}

static void read_opus(const char *fmtp, McuSdpOpus *ret)
{
	unsigned hz = mcu_sdp_fmtp_uint(fmtp, "maxplaybackrate", 48000);

	*ret = (McuSdpOpus){
		.inband_fec = mcu_sdp_fmtp_uint(fmtp, "useinbandfec", 0) == 1,
		.dtx = mcu_sdp_fmtp_uint(fmtp, "usedtx", 0) == 1,
		.stereo = mcu_sdp_fmtp_uint(fmtp, "stereo", 0) == 1,
		.cbr = mcu_sdp_fmtp_uint(fmtp, "cbr", 0) == 1,
		.max_playback_hz = CLAMP(hz, 8000, 48000),
		.max_bps = mcu_sdp_fmtp_uint(fmtp, "maxaveragebitrate", 0),
	};
	if (ret->max_bps)
		ret->max_bps = CLAMP(ret->max_bps, 6000, 510000);
}

/* One format of the peer as McuSdpPt; false when we cannot use it. */
static bool read_format(const McuSdpCaps *caps, McuSdpKind kind, const McuSdpMedia *m, int pt,
			McuSdpPt *ret)
{
	McuSdpRtpmap map;

	if (pt < 0 || (pt >= FIRST_RTCP_PT && pt <= LAST_RTCP_PT) || !mcu_sdp_rtpmap(m, pt, &map))
		return false;
	McuCodec codec = mcu_codec_from_name(map.encoding);
	if (!codec || !codec_allowed(caps, kind, codec) || !clock_fits(codec, &map))
		return false;
	*ret = (McuSdpPt){ .pt = (uint8_t)pt, .codec = codec, .clock_hz = map.clock_hz };
	ret->channels = codec == MCU_CODEC_OPUS ? 2 : 1;
	if (codec == MCU_CODEC_G722)
		ret->clock_hz = mcu_codec_clock_hz(codec);
	if (codec == MCU_CODEC_H264) {
		mcu_sdp_h264_parse(mcu_sdp_fmtp(m, pt), &ret->h264);
		return h264_allowed(caps, &ret->h264);
	}
	return true;
}

static const McuSdpPt *find_pt(const McuSdpPt *list, size_t n, uint8_t pt)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].pt == pt)
			return &list[i];
	return NULL;
}

/* Every usable format of an m= line, in its order. */
static size_t read_formats(const McuSdpCaps *caps, McuSdpKind kind, const McuSdpMedia *m,
			   McuSdpPt ret[MCU_SDP_MAX_PTS])
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_formats && n < MCU_SDP_MAX_PTS; i++) {
		McuSdpPt pt;

		if (read_format(caps, kind, m, mcu_sdp_format_pt(m, i), &pt) &&
		    !find_pt(ret, n, pt.pt))
			ret[n++] = pt;
	}
	return n;
}

static bool is_media_codec(McuCodec codec)
{
	return mcu_codec_is_audio(codec) || mcu_codec_is_video(codec);
}

/* The best of the formats with that codec. */
static const McuSdpPt *best_of(const McuSdpPt *list, size_t n, McuCodec codec)
{
	const McuSdpPt *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const McuSdpPt *f = &list[i];

		if (f->codec != codec)
			continue;
		if (!best || (codec == MCU_CODEC_H264 &&
			      (h264_rank(&f->h264) > h264_rank(&best->h264) ||
			       (h264_rank(&f->h264) == h264_rank(&best->h264) &&
				f->h264.max_fs > best->h264.max_fs))))
			best = f;
	}
	return best;
}

/* Our preference of codecs decides. */
static const McuSdpPt *choose_by_caps(const McuSdpCaps *caps, McuSdpKind kind,
				      const McuSdpPt *list, size_t n)
{
	const McuCodec *codecs = kind == MCU_SDP_AUDIO ? caps->audio : caps->video;
	size_t n_codecs = kind == MCU_SDP_AUDIO ? caps->n_audio : caps->n_video;

	for (size_t i = 0; i < n_codecs; i++) {
		const McuSdpPt *f = best_of(list, n, codecs[i]);

		if (f)
			return f;
	}
	return NULL;
}

/* telephone-event at the clock of the codec, else at 8000, else any. */
static const McuSdpPt *choose_dtmf(const McuSdpPt *list, size_t n, uint32_t clock_hz)
{
	const McuSdpPt *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (list[i].codec != MCU_CODEC_TELEPHONE_EVENT)
			continue;
		if (list[i].clock_hz == clock_hz)
			return &list[i];
		if (!found || (list[i].clock_hz == 8000 && found->clock_hz != 8000))
			found = &list[i];
	}
	return found;
}

/* What the peer says about the format we are going to send. */
static void take_send_format(const McuSdpCaps *caps, const McuSdpMedia *m, const McuSdpPt *peer,
			     size_t n_peer, const McuSdpPt *chosen, McuSdpStream *s)
{
	const char *fmtp = mcu_sdp_fmtp(m, chosen->pt);
	const McuSdpPt *dtmf = choose_dtmf(peer, n_peer, chosen->clock_hz);
	const McuSdpPt *cn = best_of(peer, n_peer, MCU_CODEC_CN);

	s->codec = chosen->codec;
	s->send_pt = chosen->pt;
	s->dtmf_send_pt = dtmf ? dtmf->pt : -1;
	s->dtmf_clock_hz = dtmf ? dtmf->clock_hz : 0;
	s->cn_send_pt = cn && cn->clock_hz == chosen->clock_hz ? cn->pt : -1;
	if (s->codec == MCU_CODEC_OPUS)
		read_opus(fmtp, &s->opus);
	if (s->codec == MCU_CODEC_H264) {
		s->h264 = chosen->h264;
		h264_limit_level(caps, fmtp, &s->h264);
		s->sprop_len = mcu_sdp_h264_sprop(fmtp, s->sprop, sizeof(s->sprop));
	}
}

bool mcu_sdp_formats_from_offer(const McuSdpCaps *caps, const McuSdpMedia *m, McuSdpStream *s)
{
	McuSdpPt peer[MCU_SDP_MAX_PTS];
	size_t n = read_formats(caps, s->kind, m, peer);
	const McuSdpPt *chosen = choose_by_caps(caps, s->kind, peer, n);

	if (!chosen)
		return false;
	take_send_format(caps, m, peer, n, chosen, s);
	s->recv_pt = s->send_pt;
	s->dtmf_recv_pt = s->dtmf_send_pt;
	s->n_recv_pts = 0;
	s->recv_pts[s->n_recv_pts++] = *chosen;
	for (size_t i = 0; i < n; i++)
		if (peer[i].pt != chosen->pt)
			s->recv_pts[s->n_recv_pts++] = peer[i];
	for (size_t i = 0; i < n; i++)
		if (s->recv_pts[i].codec == MCU_CODEC_H264)
			h264_ours(caps, &s->recv_pts[i].h264);
	return true;
}

/* Our own payload type that stands for one of the answer's. */
static const McuSdpPt *match_ours(const McuSdpStream *s, const McuSdpPt *peer)
{
	const McuSdpPt *same_number = NULL;

	for (size_t i = 0; i < s->n_recv_pts; i++) {
		const McuSdpPt *our = &s->recv_pts[i];

		if (our->codec != peer->codec || our->clock_hz != peer->clock_hz)
			continue;
		if (our->codec != MCU_CODEC_H264 ||
		    (our->h264.packetization_mode == peer->h264.packetization_mode &&
		     same_profile(&our->h264, &peer->h264)))
			return our;
		if (our->pt == peer->pt)
			same_number = our;
	}
	/* INTEROP: an answer may leave out packetization-mode or change the profile */
	return same_number;
}

/* INTEROP: some devices send with the numbers of their answer instead of those we offered. */
static void accept_peer_numbers(const McuSdpPt *peer, size_t n, McuSdpStream *s)
{
	for (size_t i = 0; i < n && s->n_recv_pts < MCU_SDP_MAX_PTS; i++)
		if (!find_pt(s->recv_pts, s->n_recv_pts, peer[i].pt))
			s->recv_pts[s->n_recv_pts++] = peer[i];
}

bool mcu_sdp_formats_from_answer(const McuSdpCaps *caps, const McuSdpMedia *m, McuSdpStream *s)
{
	McuSdpPt peer[MCU_SDP_MAX_PTS], usable[MCU_SDP_MAX_PTS];
	size_t n = read_formats(caps, s->kind, m, peer), n_usable = 0;
	const McuSdpPt *chosen = NULL;

	for (size_t i = 0; i < n; i++)
		if (match_ours(s, &peer[i]))
			usable[n_usable++] = peer[i];
	for (size_t i = 0; i < n_usable && !chosen; i++)
		if (is_media_codec(usable[i].codec))
			chosen = best_of(usable, n_usable, usable[i].codec);
	if (!chosen)
		return false;
	take_send_format(caps, m, usable, n_usable, chosen, s);
	s->recv_pt = match_ours(s, chosen)->pt;
	const McuSdpPt *dtmf = find_pt(usable, n_usable, (uint8_t)s->dtmf_send_pt);
	s->dtmf_recv_pt = dtmf ? match_ours(s, dtmf)->pt : -1;
	accept_peer_numbers(peer, n, s);
	return true;
}

/* --- our own offer --------------------------------------------------------------------------- */

static void add_pt(McuSdpStream *s, uint8_t pt, McuCodec codec, uint32_t clock_hz)
{
	s->recv_pts[s->n_recv_pts++] = (McuSdpPt){
		.pt = pt,
		.codec = codec,
		.clock_hz = clock_hz,
		.channels = codec == MCU_CODEC_OPUS ? 2 : 1,
	};
}

static void add_h264(const McuSdpCaps *caps, McuSdpStream *s, uint8_t pt, uint8_t idc, uint8_t iop,
		     unsigned mode)
{
	McuSdpH264 *h;

	add_pt(s, pt, MCU_CODEC_H264, 90000);
	h = &s->recv_pts[s->n_recv_pts - 1].h264;
	h->profile_idc = idc;
	h->profile_iop = iop;
	h->profile = idc == 100 ? MCU_H264_CONSTRAINED_HIGH : MCU_H264_CONSTRAINED_BASELINE;
	h->packetization_mode = mode;
	h->level_asymmetry_allowed = true;
	h264_ours(caps, h);
}

static void add_ours(const McuSdpCaps *caps, McuSdpStream *s, McuCodec codec)
{
	switch (codec) {
	case MCU_CODEC_PCMU:
		add_pt(s, 0, codec, 8000);
		break;
	case MCU_CODEC_PCMA:
		add_pt(s, 8, codec, 8000);
		break;
	case MCU_CODEC_G722:
		add_pt(s, 9, codec, 8000);
		break;
	case MCU_CODEC_OPUS:
		add_pt(s, 96, codec, 48000);
		break;
	case MCU_CODEC_VP8:
		add_pt(s, 100, codec, 90000);
		break;
	case MCU_CODEC_H264:
		/* Constrained Baseline first: some peers look at the first H264 line only */
		if (caps->h264.mode1) {
			add_h264(caps, s, 97, 66, 0xe0, 1);
			if (caps->h264.high)
				add_h264(caps, s, 98, 100, 0x0c, 1);
		}
		if (caps->h264.mode0)
			add_h264(caps, s, 99, 66, 0xe0, 0);
		break;
	default:
		break;
	}
}

bool mcu_sdp_formats_ours(const McuSdpCaps *caps, McuSdpStream *s)
{
	bool audio = s->kind == MCU_SDP_AUDIO;
	const McuCodec *codecs = audio ? caps->audio : caps->video;
	size_t n = audio ? caps->n_audio : caps->n_video;

	s->n_recv_pts = 0;
	for (size_t i = 0; i < n; i++)
		add_ours(caps, s, codecs[i]);
	if (s->n_recv_pts == 0)
		return false;
	s->codec = s->recv_pts[0].codec;
	s->recv_pt = s->send_pt = s->recv_pts[0].pt;
	s->dtmf_send_pt = s->dtmf_recv_pt = s->cn_send_pt = -1;
	if (audio && caps->dtmf) {
		s->dtmf_recv_pt = 101;
		add_pt(s, 101, MCU_CODEC_TELEPHONE_EVENT, 8000);
		if (in_list(codecs, n, MCU_CODEC_OPUS))
			add_pt(s, 102, MCU_CODEC_TELEPHONE_EVENT, 48000);
	}
	return true;
}
