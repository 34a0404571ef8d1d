/* Pictures and sound of a media file, decoded in order. */
#pragma once
#include <stdbool.h>

#include "hw/hw.h"

typedef struct McuFilm McuFilm;

/** What comes next in a file; either picture or sound. */
typedef struct McuFilmPiece {
	HwFrame *picture; /* I420; owned by the receiver of the piece */
	const float *pcm; /* mono 48000 Hz; valid until the next call */
	size_t n_samples;
	bool keyframe;
	double t_s; /* presentation time */
} McuFilmPiece;

/** Errors: -ENOENT, -EIO not readable as media; -ENOTSUP no decoder. */
int mcu_film_open(const char *path, bool want_sound, McuFilm **ret,
		  McuDiag *reterr) MCU_WARN_UNUSED;
void mcu_film_free(McuFilm *film);

/** 0 when the file has no picture. */
int mcu_film_width(const McuFilm *film);
int mcu_film_height(const McuFilm *film);
double mcu_film_fps(const McuFilm *film);
bool mcu_film_has_sound(const McuFilm *film);

/** Errors: -EAGAIN the end; -EIO; -ENOMEM. */
int mcu_film_next(McuFilm *film, McuFilmPiece *ret) MCU_WARN_UNUSED;

/** Back to the beginning. */
int mcu_film_rewind(McuFilm *film) MCU_WARN_UNUSED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McuFilm, mcu_film_free)
