/* Who may pass: pure checks on what a request says about itself. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/** Whether an Authorization header carries `token`. Time depends on the header's length only. */
bool mcu_gate_token_ok(const char *authorization, const char *token);

/** Whether a Host header names this machine itself: localhost, 127.0.0.1 or [::1], any port. Guards
 * a server without a token against DNS rebinding. */
bool mcu_gate_host_is_local(const char *host);

/** Whether an Origin header (NULL = none) is a page of the same host: a browser sends it with
 * WebSockets and with requests of other sites' pages. */
bool mcu_gate_origin_ok(const char *origin, const char *host);

/** Whether a Content-Type is JSON. */
bool mcu_gate_is_json(const char *content_type);
