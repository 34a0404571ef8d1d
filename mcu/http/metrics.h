/* The registry of metrics and their Prometheus text form. Pure: values come from collect.c.
 *
 *   McuMetricsInput (counts, calls, each call's Worker1.Stats) --table--> text
 */
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#define MCU_HTTP_STATUS_MAX 600

/* Requests answered, by status code. */
typedef struct McuHttpCounts {
	uint64_t by_status[MCU_HTTP_STATUS_MAX];
} McuHttpCounts;

typedef enum McuMetricType {
	MCU_METRIC_GAUGE = 1,
	MCU_METRIC_COUNTER,
} McuMetricType;

/* One metric that is taken from a call's statistics. `path` is where the number stands: names of
 * members separated by '/'; a segment that holds a list (aa{sv}) is walked, and "@label=member"
 * after it says which member tells its entries apart. */
typedef struct McuMetric {
	const char *name;
	McuMetricType type;
	const char *help;
	const char *path;
	double scale; /* to the unit in the name; 0 = 1 */
} McuMetric;

extern const McuMetric mcu_metrics[];
extern const size_t mcu_n_metrics;

/* What the daemon itself knows. */
typedef struct McuMetricsInput {
	const McuHttpCounts *counts;
	unsigned event_subscribers;
	gboolean ready;
	GVariant *calls;   /* aa{sv}, as mcu_control_list_calls() */
	GHashTable *stats; /* call id -> GVariant a{sv}; calls that did not answer are missing */
} McuMetricsInput;

/** Text format 0.0.4. Owns: caller.  Thread: any. */
char *mcu_metrics_text(const McuMetricsInput *in);
