/* One request that has passed the gate, and its answer. */
#include <string.h>

#include "http/http_priv.h"
#include "http/json.h"

static const struct {
	int err;
	unsigned status;
} statuses[] = {
	{ -ENOENT, 404 },    { -EINVAL, 400 },    { -EEXIST, 409 }, { -EBUSY, 409 },
	{ -EACCES, 403 },    { -ENOTSUP, 501 },   { -EIO, 500 },    { -EPIPE, 503 },
	{ -ECANCELED, 503 }, { -ETIMEDOUT, 504 }, { -ENOSPC, 507 }, { -EPROTO, 502 },
};

static unsigned status_of(const McuHttpReq *req, int err)
{
	if (err == -EOVERFLOW)
		return req->limit_status;
	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
		if (statuses[i].err == err)
			return statuses[i].status;
	return 500;
}

void mcu_http_problem(SoupServerMessage *msg, unsigned status, const char *detail,
		      const char *field)
{
	char *text = mcu_json_problem(status, soup_status_get_phrase(status), detail, field);
	SoupMessageHeaders *headers = soup_server_message_get_response_headers(msg);

	if (status == 503 || status == 429)
		soup_message_headers_replace(headers, "Retry-After", "5");
	soup_server_message_set_response(msg, "application/problem+json", SOUP_MEMORY_TAKE, text,
					 strlen(text));
	soup_server_message_set_status(msg, status, NULL);
}

static void req_free(McuHttpReq *req)
{
	for (size_t i = 0; i < MCU_HTTP_MAX_ARGS; i++)
		g_free(req->args[i]);
	g_clear_pointer(&req->body, g_variant_unref);
	g_free(req->location);
	g_free(req);
}

void mcu_req_detach(McuHttpReq *req)
{
	req->server = NULL;
	g_clear_object(&req->msg);
}

/* The response is set (or nobody waits for it any more). */
static void finish(McuHttpReq *req)
{
	g_assert(!req->answered);
	req->answered = true;
	if (req->server) {
		g_queue_unlink(&req->server->requests, &req->link);
		soup_server_message_unpause(req->msg);
		mcu_req_detach(req);
	}
	if (!req->in_handler)
		req_free(req);
}

void mcu_req_run(McuHttpServer *s, McuHttpReq *req)
{
	req->server = s;
	req->link.data = req;
	req->ok_status = 200;
	req->limit_status = 429;
	g_queue_push_tail_link(&s->requests, &req->link);
	soup_server_message_pause(req->msg);
	req->in_handler = true;
	req->route->handle(req);
	req->in_handler = false;
	req->query = NULL;
	if (req->answered)
		req_free(req);
}

void mcu_req_answer(McuHttpReq *req, unsigned status, const char *type, void *take, size_t len)
{
	if (!req->server) {
		g_free(take);
		finish(req);
		return;
	}
	if (req->location)
		soup_message_headers_replace(soup_server_message_get_response_headers(req->msg),
					     "Location", req->location);
	soup_message_headers_replace(soup_server_message_get_response_headers(req->msg),
				     "Cache-Control", "no-store");
	soup_server_message_set_status(req->msg, status, NULL);
	if (type)
		soup_server_message_set_response(req->msg, type, SOUP_MEMORY_TAKE, take, len);
	else
		g_free(take);
	finish(req);
}

void mcu_req_problem(McuHttpReq *req, unsigned status, const char *detail, const char *field)
{
	if (req->server)
		mcu_http_problem(req->msg, status, detail, field);
	finish(req);
}

void mcu_req_reply(void *data, int err, const char *text, GVariant *result)
{
	McuHttpReq *req = data;

	if (err < 0) {
		mcu_req_problem(req, status_of(req, err), text, err == -EINVAL ? req->field : NULL);
	} else if (req->ok_status == 204) {
		mcu_req_answer(req, 204, NULL, NULL, 0);
	} else {
		char *json = mcu_json_from_variant(result);
		mcu_req_answer(req, req->ok_status, "application/json", json, strlen(json));
	}
}

void mcu_req_reply_jpeg(void *data, int err, const char *text, GVariant *result)
{
	McuHttpReq *req = data;
	gsize len = 0;
	const void *jpeg;

	if (err < 0 || !result || !g_variant_is_of_type(result, G_VARIANT_TYPE_BYTESTRING)) {
		mcu_req_problem(req, status_of(req, err < 0 ? err : -EIO), text, NULL);
		return;
	}
	jpeg = g_variant_get_fixed_array(result, &len, 1);
	mcu_req_answer(req, 200, "image/jpeg", g_memdup2(jpeg, len), len);
}
