/* mcu/http without a server: bodies, JSON, who may pass, routes against the OpenAPI document,
 * metrics. */
#include <json-glib/json-glib.h>
#include <math.h>

#include "fake_control.h"
#include "http/gate.h"
#include "http/http_priv.h"
#include "http/json.h"

/* --- bodies --- */

static const struct {
	const McuBodySchema *schema;
	const char *body;
	const char *want;  /* GVariant text, or NULL for an error */
	const char *field; /* of an error */
} bodies[] = {
	{ &mcu_body_create_call, "{\"id\":\"a.b-c_1\"}", "{'id': <'a.b-c_1'>}", NULL },
	{ &mcu_body_create_call, " {\"id\" : \"a\" , \"layout\":\"1+5\",\"recording\":true}\n",
	  "{'id': <'a'>, 'layout': <'1+5'>, 'recording': <true>}", NULL },
	{ &mcu_body_update_participant, "{\"name\":\"Z\\u00fcrich \\\"W\\\" \\ud83d\\ude00\"}",
	  "{'name': <'Zürich \"W\" 😀'>}", NULL },
	{ &mcu_body_layout, "{\"name\":\"grid\",\"focus\":\"\",\"order\":[\"a\",\"b\"]}",
	  "{'name': <'grid'>, 'focus': <''>, 'order': <['a', 'b']>}", NULL },
	{ &mcu_body_layout, "{\"name\":\"grid\",\"order\":[]}",
	  "{'name': <'grid'>, 'order': <@as []>}", NULL },
	{ &mcu_body_none, "", "@a{sv} {}", NULL },
	{ &mcu_body_none, "{}", "@a{sv} {}", NULL },
	/* members */
	{ &mcu_body_create_call, "{}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":\"\"}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":\"a b\"}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":5}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":null}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":[\"a\"]}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":{\"a\":1}}", NULL, "id" },
	{ &mcu_body_create_call, "{\"id\":\"a\",\"recording\":1}", NULL, "recording" },
	{ &mcu_body_create_call, "{\"id\":\"a\",\"recording\":\"true\"}", NULL, "recording" },
	{ &mcu_body_create_call, "{\"id\":\"a\",\"x\":1}", NULL, "x" },
	{ &mcu_body_create_call, "{\"id\":\"a\",\"id\":\"b\"}", NULL, "id" },
	{ &mcu_body_dial, "{\"uri\":\"tel:123\"}", NULL, "uri" },
	{ &mcu_body_dial, "{\"uri\":\"sip:a@b\\r\\nX: y\"}", NULL, "uri" },
	{ &mcu_body_dial, "{\"uri\":\"sip:a@b\",\"name\":\"a\\nb\"}", NULL, "name" },
	{ &mcu_body_dial, "{\"uri\":\"sip:a@b\",\"name\":\"\\ud800\"}", NULL, "" },
	{ &mcu_body_layout, "{\"name\":\"grid\",\"order\":[1]}", NULL, "order" },
	{ &mcu_body_layout, "{\"name\":\"grid\",\"order\":\"a\"}", NULL, "order" },
	{ &mcu_body_update_call, "{}", NULL, "" },
	{ &mcu_body_none, "{\"a\":1}", NULL, "a" },
	/* JSON itself */
	{ &mcu_body_update_call, "", NULL, "" },
	{ &mcu_body_update_call, "[]", NULL, "" },
	{ &mcu_body_update_call, "\"x\"", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\"", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\\", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\"}{}", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\"} x", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\",}", NULL, "" },
	{ &mcu_body_update_call, "/*c*/{\"layout\":\"a\"}", NULL, "" },
	{ &mcu_body_update_call, "{/*c*/\"layout\":\"a\"}", NULL, "" },
	{ &mcu_body_update_call, "var x = {\"layout\":\"a\"}", NULL, "" },
	{ &mcu_body_update_call, "{'layout':'a'}", NULL, "" },
	{ &mcu_body_update_call, "{layout:\"a\"}", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\\u0000b\"}", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"a\tb\"}", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":\"\xff\"}", NULL, "" },
	{ &mcu_body_update_call, "{\"layout\":[[[[1]]]]}", NULL, "" },
};

/* Members have no order. */
static bool same_members(GVariant *a, GVariant *b)
{
	GVariantIter iter;
	const char *key;
	GVariant *value;
	bool same = g_variant_n_children(a) == g_variant_n_children(b);

	g_variant_iter_init(&iter, a);
	while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
		g_autoptr(GVariant) other = g_variant_lookup_value(b, key, NULL);
		same = same && other && g_variant_equal(value, other);
	}
	return same;
}

static void test_bodies(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		g_autoptr(GVariant) got = NULL;
		g_autofree char *text = NULL;
		char field[MCU_MAX_HTTP_FIELD];
		McuDiag diag = { 0 };
		int r = mcu_body_parse(bodies[i].schema, bodies[i].body, strlen(bodies[i].body),
				       &got, field, &diag);

		if (!bodies[i].want) {
			if (r != -EINVAL || strcmp(field, bodies[i].field) != 0 || !diag.text[0])
				g_error("%s: %d, field \"%s\", %s", bodies[i].body, r, field,
					diag.text);
			continue;
		}
		if (r < 0)
			g_error("%s: %s", bodies[i].body, diag.text);
		text = g_variant_print(got, TRUE);
		g_autoptr(GVariant) want =
			g_variant_parse(G_VARIANT_TYPE_VARDICT, bodies[i].want, NULL, NULL, NULL);
		g_assert_nonnull(want);
		if (!same_members(got, want))
			g_error("%s gave %s", bodies[i].body, text);
	}
}

static void test_body_limits(void)
{
	g_autofree char *deep = g_strnfill(MCU_MAX_HTTP_BODY, '[');
	g_autofree char *nested = g_strdup_printf("{\"name\":%s", deep);
	GString *order = g_string_new("{\"name\":\"grid\",\"order\":[\"a\"");
	g_autoptr(GVariant) got = NULL;
	char field[MCU_MAX_HTTP_FIELD];

	g_assert_cmpint(mcu_body_parse(&mcu_body_layout, nested, strlen(nested), &got, field, NULL),
			==, -EINVAL);
	for (int i = 1; i < MCU_MAX_HTTP_LIST; i++)
		g_string_append(order, ",\"a\"");
	size_t full = order->len;
	g_string_append(order, "]}");
	g_assert_cmpint(mcu_body_parse(&mcu_body_layout, order->str, order->len, &got, field, NULL),
			==, 0);
	g_string_truncate(order, full);
	g_string_append(order, ",\"a\"]}");
	g_clear_pointer(&got, g_variant_unref);
	g_assert_cmpint(mcu_body_parse(&mcu_body_layout, order->str, order->len, &got, field, NULL),
			==, -EINVAL);
	g_assert_cmpstr(field, ==, "order");
	g_string_free(order, TRUE);
}

/* --- JSON --- */

static void test_json(void)
{
	g_autoptr(GVariant) v = g_variant_ref_sink(g_variant_new_parsed(
		"{'s': <'q\"\\u00fc'>, 'b': <true>, 'i': <-3>, 'u': <uint32 4294967295>, "
		"'t': <uint64 18446744073709551615>, 'as': <['x']>, 'd': <{'n': <1>}>, "
		"'l': <[{'a': <@as []>}]>}"));
	g_autofree char *text = mcu_json_from_variant(v), *none = mcu_json_from_variant(NULL);
	g_autoptr(JsonNode) node = json_from_string(text, NULL);
	JsonObject *o = json_node_get_object(node);

	g_assert_cmpstr(json_object_get_string_member(o, "s"), ==, "q\"ü");
	g_assert_true(json_object_get_boolean_member(o, "b"));
	g_assert_cmpint(json_object_get_int_member(o, "i"), ==, -3);
	g_assert_cmpint(json_object_get_int_member(o, "u"), ==, 4294967295);
	g_assert_cmpfloat(json_object_get_double_member(o, "t"), >, 1.8e19);
	g_assert_cmpstr(none, ==, "{}");

	g_autoptr(GVariant) nan = g_variant_ref_sink(g_variant_new_double(NAN));
	g_autofree char *null = mcu_json_from_variant(nan);
	g_assert_cmpstr(null, ==, "null");

	g_autoptr(GVariant) detail = g_variant_ref_sink(
		g_variant_new_parsed("{'call': <'demo'>, 'type': <'mine'>, 'level': <uint32 2>}"));
	g_autofree char *event = mcu_json_event("overload", detail);
	g_assert_true(g_str_has_prefix(event, "{\"type\":\"overload\",\"time\":\"20"));
	g_assert_true(g_str_has_suffix(event, "Z\",\"call\":\"demo\",\"level\":2}"));

	g_autofree char *problem = mcu_json_problem(400, "Bad Request", "x", "id");
	g_assert_cmpstr(problem, ==,
			"{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
			"\"detail\":\"x\",\"field\":\"id\"}");
}

/* --- who may pass --- */

static void test_gate(void)
{
	g_assert_true(mcu_gate_token_ok("Bearer secret-token", "secret-token"));
	g_assert_true(mcu_gate_token_ok("bearer secret-token", "secret-token"));
	g_assert_false(mcu_gate_token_ok(NULL, "secret-token"));
	g_assert_false(mcu_gate_token_ok("Bearer ", "secret-token"));
	g_assert_false(mcu_gate_token_ok("Bearer secret-toke", "secret-token"));
	g_assert_false(mcu_gate_token_ok("Bearer secret-tokenX", "secret-token"));
	g_assert_false(mcu_gate_token_ok("Bearer secret-tokensecret-token", "secret-token"));
	g_assert_false(mcu_gate_token_ok("Basic secret-token", "secret-token"));
	g_assert_false(mcu_gate_token_ok("Bearer x", ""));

	g_assert_true(mcu_gate_host_is_local("localhost"));
	g_assert_true(mcu_gate_host_is_local("LocalHost:8080"));
	g_assert_true(mcu_gate_host_is_local("127.0.0.1:8080"));
	g_assert_true(mcu_gate_host_is_local("[::1]:1"));
	g_assert_false(mcu_gate_host_is_local(NULL));
	g_assert_false(mcu_gate_host_is_local("localhost.evil.org"));
	g_assert_false(mcu_gate_host_is_local("127.0.0.1.evil.org:80"));
	g_assert_false(mcu_gate_host_is_local("evil.org"));
	g_assert_false(mcu_gate_host_is_local("localhost:80@evil.org"));

	g_assert_true(mcu_gate_origin_ok(NULL, "localhost"));
	g_assert_true(mcu_gate_origin_ok("http://localhost:8080", "localhost:8080"));
	g_assert_false(mcu_gate_origin_ok("http://evil.org", "localhost:8080"));
	g_assert_false(mcu_gate_origin_ok("null", "localhost"));

	g_assert_true(mcu_gate_is_json("application/json"));
	g_assert_true(mcu_gate_is_json("Application/JSON ; charset=utf-8"));
	g_assert_false(mcu_gate_is_json("text/plain"));
	g_assert_false(mcu_gate_is_json("application/jsonx"));
	g_assert_false(mcu_gate_is_json(NULL));
}

/* --- routes --- */

static void find(const char *method, const char *path, int want, const char *route_path,
		 const char *arg0, const char *arg1, const char *want_allow)
{
	char *args[MCU_HTTP_MAX_ARGS] = { NULL };
	const McuRoute *route = NULL;
	g_autofree char *allow = NULL;

	g_assert_cmpint(mcu_route_find(method, path, &route, args, &allow), ==, want);
	g_assert_cmpstr(route ? route->path : NULL, ==, route_path);
	g_assert_cmpstr(args[0], ==, arg0);
	g_assert_cmpstr(args[1], ==, arg1);
	g_assert_cmpstr(allow, ==, want_allow);
	g_free(args[0]);
	g_free(args[1]);
}

static void test_routes(void)
{
	find("GET", "/", 0, "/", NULL, NULL, NULL);
	find("HEAD", "/healthz", 0, "/healthz", NULL, NULL, NULL);
	find("GET", "/api/v1/calls/a%2Fb", 0, "/api/v1/calls/{call}", "a/b", NULL, NULL);
	find("PATCH", "/api/v1/calls/a/participants/Z%C3%BC", 0,
	     "/api/v1/calls/{call}/participants/{participant}", "a", "Zü", NULL);
	find("PUT", "/api/v1/calls", -ENOTSUP, NULL, NULL, NULL, "GET, HEAD, POST");
	find("GET", "/api/v1/calls/a/dial", -ENOTSUP, NULL, NULL, NULL, "POST");
	find("GET", "/api/v1/calls/", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "/api/v1/calls/a/", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "/api/v1/calls/%00", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "/api/v1/calls/%ff", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "/api/v1/calls/%zz", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "/api/v1/calls/a/participants/", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "/api", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "", -ENOENT, NULL, NULL, NULL, NULL);
	find("GET", "//", -ENOENT, NULL, NULL, NULL, NULL);
	g_autofree char *name = g_strnfill(MCU_MAX_HTTP_ARG + 1, 'x');
	g_autofree char *path = g_strdup_printf("/api/v1/calls/%s", name);
	find("GET", path, -ENOENT, NULL, NULL, NULL, NULL);
}

/* --- the OpenAPI document says what the tables say --- */

static JsonObject *member(JsonObject *o, const char *name)
{
	if (!json_object_has_member(o, name))
		g_error("the OpenAPI document has no %s", name);
	return json_object_get_object_member(o, name);
}

static JsonNode *document(void)
{
	JsonNode *node = json_from_string(mcu_asset_openapi, NULL);

	g_assert_nonnull(node);
	return node;
}

static void check_parameters(JsonObject *op, const McuRoute *route)
{
	unsigned want = route->query ? g_strv_length((char **)route->query) : 0;

	for (const char *p = route->path; (p = strchr(p, '{')); p++)
		want++;
	g_assert_cmpuint(
		json_object_has_member(op, "parameters")
			? json_array_get_length(json_object_get_array_member(op, "parameters"))
			: 0,
		==, want);
	for (unsigned i = 0; route->query && route->query[i]; i++) {
		g_autofree char *text =
			json_to_string(json_object_get_member(op, "parameters"), FALSE);
		g_autofree char *name = g_strdup_printf("\"name\":\"%s\"", route->query[i]);
		g_assert_nonnull(strstr(text, name));
	}
}

static void test_openapi_routes(void)
{
	g_autoptr(JsonNode) node = document();
	JsonObject *paths = member(json_node_get_object(node), "paths");
	unsigned operations = 0;

	for (size_t i = 0; i < mcu_n_routes; i++) {
		const McuRoute *r = &mcu_routes[i];
		g_autofree char *method = g_ascii_strdown(r->method, -1);
		JsonObject *op = member(member(paths, r->path), method);

		g_assert_true(json_object_has_member(op, "security") ==
			      !(r->flags & MCU_ROUTE_TOKEN));
		g_assert_true(json_object_has_member(op, "requestBody") == (r->body != NULL));
		check_parameters(op, r);
		if (!r->body)
			continue;
		g_autofree char *ref =
			g_strdup_printf("\"#/components/schemas/%s\"", r->body->name);
		g_autofree char *text =
			json_to_string(json_object_get_member(op, "requestBody"), FALSE);
		g_assert_nonnull(strstr(text, ref));
		g_assert_true(json_object_get_boolean_member(member(op, "requestBody"),
							     "required") == !r->body->optional);
	}
	g_autoptr(GList) all = json_object_get_values(paths);
	for (GList *l = all; l; l = l->next)
		operations += json_object_get_size(json_node_get_object(l->data));
	g_assert_cmpuint(operations, ==, mcu_n_routes);
}

static void check_schema(JsonObject *schema, const McuBodySchema *want)
{
	JsonObject *properties = member(schema, "properties");
	unsigned required = 0;

	g_assert_cmpuint(json_object_get_size(properties), ==, want->n_fields);
	g_assert_false(json_object_get_boolean_member(schema, "additionalProperties"));
	g_assert_true(json_object_has_member(schema, "minProperties") == want->not_empty);
	for (size_t i = 0; i < want->n_fields; i++) {
		static const char *const types[] = { NULL, "string", "boolean", "array" };
		const McuBodyField *f = &want->fields[i];
		JsonObject *p = member(properties, f->name);

		g_assert_cmpstr(json_object_get_string_member(p, "type"), ==, types[f->type]);
		required += f->required;
	}
	g_assert_cmpuint(
		json_object_has_member(schema, "required")
			? json_array_get_length(json_object_get_array_member(schema, "required"))
			: 0,
		==, required);
}

static void test_openapi_schemas(void)
{
	g_autoptr(JsonNode) node = document();
	JsonObject *schemas = member(member(json_node_get_object(node), "components"), "schemas");

	for (size_t i = 0; mcu_body_schemas[i]; i++)
		check_schema(member(schemas, mcu_body_schemas[i]->name), mcu_body_schemas[i]);
	for (size_t i = 0; i < mcu_n_routes; i++)
		if (mcu_routes[i].body)
			member(schemas, mcu_routes[i].body->name);
}

/* --- metrics --- */

static void keep_result(void *data, int err, const char *text, GVariant *result)
{
	(void)text;
	g_assert_cmpint(err, ==, 0);
	*(GVariant **)data = g_variant_ref(result);
}

static char *metrics_text(void)
{
	g_autoptr(GHashTable) stats = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
							    (GDestroyNotify)g_variant_unref);
	static McuHttpCounts counts;
	McuDaemon *d = fake_new();
	GVariant *of_demo = NULL;
	GVariant *calls = NULL;

	counts.by_status[200] = 4;
	counts.by_status[404] = 1;
	mcu_control_stats(d, "demo", keep_result, &of_demo);
	mcu_control_list_calls(d, keep_result, &calls);
	g_hash_table_insert(stats, (void *)"demo", of_demo);
	const McuMetricsInput in = { &counts, 2, TRUE, calls, stats };
	char *text = mcu_metrics_text(&in);
	g_variant_unref(calls);
	fake_free(d);
	return text;
}

static void test_metrics(void)
{
	static const char *const lines[] = {
		"mcu_info{version=\"" MCU_VERSION "\"} 1",
		"mcu_ready 1",
		"mcu_http_requests_total{code=\"200\"} 4",
		"mcu_http_requests_total{code=\"404\"} 1",
		"mcu_http_event_subscribers 2",
		"mcu_calls 1",
		"mcu_participants{call=\"demo\"} 2",
		"mcu_worker_cpu_seconds_total{call=\"demo\"} 3.25",
		"mcu_worker_resident_bytes{call=\"demo\"} 123456789",
		"mcu_video_fps{call=\"demo\"} 30",
		"mcu_video_compose_mean_seconds{call=\"demo\"} 0.0015",
		"mcu_rendition_bitrate_bps{call=\"demo\",rendition=\"4\"} 1500000",
		"mcu_stream_rx_packets_total{call=\"demo\",participant=\"p1\",leg=\"l1\","
		"stream=\"audio\"} 50",
		"mcu_stream_rx_packets_total{call=\"demo\",participant=\"p1\",leg=\"l1\","
		"stream=\"video\"} 90",
		"mcu_stream_round_trip_seconds{call=\"demo\",participant=\"p1\",leg=\"l1\","
		"stream=\"audio\"} 0.02",
		"mcu_stream_fps{call=\"demo\",participant=\"p1\",leg=\"l1\",stream=\"video\"} "
		"29.97",
	};
	g_autofree char *text = metrics_text();
	g_auto(GStrv) got = g_strsplit(text, "\n", -1);

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		if (!g_strv_contains((const char *const *)got, lines[i]))
			g_error("no line %s in\n%s", lines[i], text);
}

/* Each metric has a help and a type line, once, before its samples; no series comes twice; names
 * follow the Prometheus rules. */
static void test_metrics_form(void)
{
	g_autofree char *text = metrics_text();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *current = g_strdup("");

	for (char **l = lines; *l && **l; l++) {
		g_auto(GStrv) words = g_strsplit(*l, " ", 4);
		g_autofree char *name = g_strndup(*l, strcspn(*l, "{ "));
		g_autofree char *series = g_strndup(*l, (size_t)(strrchr(*l, ' ') - *l));

		if (g_str_has_prefix(*l, "# HELP ")) {
			g_free(current);
			current = g_strdup(words[2]);
			g_assert_true(g_str_has_prefix(current, "mcu_"));
			g_assert_true(g_hash_table_add(seen, g_strdup_printf("HELP %s", current)));
		} else if (g_str_has_prefix(*l, "# TYPE ")) {
			g_assert_cmpstr(words[2], ==, current);
			g_assert_true(g_str_has_suffix(current, "_total") ==
				      (strcmp(words[3], "counter") == 0));
		} else {
			g_assert_cmpstr(name, ==, current);
			g_assert_true(g_hash_table_add(seen, g_strdup(series)));
		}
	}
	for (size_t i = 0; i < mcu_n_metrics; i++) {
		g_autofree char *help = g_strdup_printf("HELP %s", mcu_metrics[i].name);
		g_assert_true(g_hash_table_contains(seen, help));
	}
}

static void test_metrics_hostile(void)
{
	g_autoptr(GHashTable) stats = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
							    (GDestroyNotify)g_variant_unref);
	static McuHttpCounts counts;

	g_hash_table_insert(
		stats, (void *)"demo",
		g_variant_ref_sink(g_variant_new_parsed(
			"{'uptime-s': <'text'>, 'video': <5>, 'renditions': <{'a': <1>}>, "
			"'participants': <[{'id': <'a\"b\\\\c\\nd'>, 'legs': <[{'id': <7>, "
			"'streams': <[{'kind': <'x'>, 'rx-packets': <uint64 1>, 'rtt-ms': "
			"<inf>}]>}]>}]>}")));
	const McuMetricsInput in = { &counts, 0, FALSE, NULL, stats };
	g_autofree char *text = mcu_metrics_text(&in);

	g_assert_nonnull(strstr(text,
				"mcu_stream_rx_packets_total{call=\"demo\","
				"participant=\"a\\\"b\\\\c\\nd\",leg=\"0\",stream=\"x\"} 1\n"));
	g_assert_null(strstr(text, "mcu_worker_uptime_seconds{"));
	g_assert_null(strstr(text, "mcu_stream_round_trip_seconds{"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/http/body/table", test_bodies);
	g_test_add_func("/http/body/limits", test_body_limits);
	g_test_add_func("/http/json", test_json);
	g_test_add_func("/http/gate", test_gate);
	g_test_add_func("/http/routes", test_routes);
	g_test_add_func("/http/openapi/routes", test_openapi_routes);
	g_test_add_func("/http/openapi/schemas", test_openapi_schemas);
	g_test_add_func("/http/metrics/values", test_metrics);
	g_test_add_func("/http/metrics/form", test_metrics_form);
	g_test_add_func("/http/metrics/hostile", test_metrics_hostile);
	return g_test_run();
}
