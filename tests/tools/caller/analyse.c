#include "analyse.h"

#include <math.h>
#include <stdio.h>

#include "ear.h"
#include "eye.h"
#include "film.h"
#include "json.h"
#include "report.h"

typedef struct Findings {
	McuEye *eye;
	McuEar *ear;
	guint64 pictures, keyframes;
	double video_end_s, audio_end_s, next_entry_s;
	JsonBuilder *timeline; /* an array that is open */
} Findings;

static void add_entry(Findings *f, double t_s)
{
	json_builder_begin_object(f->timeline);
	mcu_json_real(f->timeline, "t", t_s);
	json_builder_set_member_name(f->timeline, "marks");
	mcu_eye_recent(f->eye, f->timeline);
	json_builder_set_member_name(f->timeline, "tones");
	mcu_ear_recent(f->ear, f->timeline);
	json_builder_end_object(f->timeline);
}

static int look(Findings *f, const McuFilmPiece *piece)
{
	HwMapping map;
	int r = hw_frame_map(piece->picture, &map);

	if (r == 0)
		r = mcu_eye_see(f->eye, &map, piece->t_s, -1);
	f->pictures++;
	f->keyframes += piece->keyframe;
	f->video_end_s = fmax(f->video_end_s, piece->t_s);
	hw_frame_unref(piece->picture);
	return r;
}

static int run(McuFilm *film, Findings *f)
{
	McuFilmPiece piece;
	int r;

	while ((r = mcu_film_next(film, &piece)) == 0) {
		if (piece.picture && (r = look(f, &piece)) < 0)
			return r;
		if (piece.pcm) {
			mcu_ear_hear(f->ear, piece.pcm, piece.n_samples, 48000, piece.t_s);
			f->audio_end_s = piece.t_s + (double)piece.n_samples / 48000;
		}
		if (piece.t_s >= f->next_entry_s) {
			add_entry(f, piece.t_s);
			f->next_entry_s += MCU_REPORT_TIMELINE_MS / 1000.0;
		}
	}
	return r == -EAGAIN ? 0 : r;
}

static int write_report(const McuCallerOptions *o, McuFilm *film, Findings *f)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	mcu_json_string(json, "file", o->analyse);
	mcu_json_real(json, "video_s", f->video_end_s);
	mcu_json_real(json, "audio_s", f->audio_end_s);
	mcu_json_int(json, "pictures", (gint64)f->pictures);
	mcu_json_int(json, "keyframes", (gint64)f->keyframes);
	mcu_json_bool(json, "has_sound", mcu_film_has_sound(film));
	json_builder_set_member_name(json, "seen");
	mcu_eye_report(f->eye, f->video_end_s, json);
	json_builder_set_member_name(json, "heard");
	mcu_ear_report(f->ear, json);
	json_builder_set_member_name(json, "timeline");
	json_builder_add_value(json, json_builder_get_root(f->timeline));
	json_builder_end_object(json);
	return mcu_report_save(json, o->report ? o->report : "/dev/stdout");
}

int mcu_analyse_file(const McuCallerOptions *o, McuDiag *reterr)
{
	g_autoptr(McuEye) eye = mcu_eye_new(o->analyse_fps);
	g_autoptr(McuEar) ear = mcu_ear_new(0);
	g_autoptr(JsonBuilder) timeline = json_builder_new();
	g_autoptr(McuFilm) film = NULL;
	Findings f = { .eye = eye, .ear = ear, .timeline = timeline };
	int r = mcu_film_open(o->analyse, true, &film, reterr);

	if (r < 0)
		return r;
	json_builder_begin_array(timeline);
	r = run(film, &f);
	json_builder_end_array(timeline);
	if (r < 0)
		return mcu_diag(reterr, r, "cannot read %s to its end", o->analyse);
	return write_report(o, film, &f);
}
