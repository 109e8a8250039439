// A testee in C, over libwebsockets: cc testee.c -lwebsockets -o testee (Debian has libwebsockets-dev).
//   ./testee --port 0                          a server, which prints where it listens
//   ./testee ws://127.0.0.1:9001 --agent NAME  a client, which runs every case of a fuzzing server
// Both take --max-message-size BYTES. It has no modes; harness/README.md has the whole contract.
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message { unsigned char *data; size_t size; int binary, whole; };

static size_t max_message_size = 16 << 20;
static int count, closed;
static const char *authority;

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in, size_t length) {
	struct message *message = session;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_RECEIVE:
	case LWS_CALLBACK_RECEIVE:
		if (lws_get_opaque_user_data(wsi)) { // of a question: a number
			count = atoi(in);
			return 0;
		}
		if (message->size + length > max_message_size) {
			lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
			return -1;
		}
		message->data = realloc(message->data, LWS_PRE + message->size + length);
		memcpy(message->data + LWS_PRE + message->size, in, length);
		message->size += length;
		message->binary = lws_frame_is_binary(wsi);
		message->whole = lws_is_final_fragment(wsi);
		if (message->whole) {
			lws_rx_flow_control(wsi, 0); // until the echo is out
			lws_callback_on_writable(wsi);
		}
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_SERVER_WRITEABLE:
		if (message->whole) {
			enum lws_write_protocol type = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
			lws_write(wsi, message->data + LWS_PRE, message->size, type);
			message->size = message->whole = 0;
			lws_rx_flow_control(wsi, 1);
		}
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLIENT_CLOSED:
		closed = 1; // fall through
	case LWS_CALLBACK_CLOSED:
		if (message) free(message->data);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, session, in, length);
	}
}

static const struct lws_protocols protocols[] = {{"", callback, sizeof(struct message), 65536, 0, NULL, 0}, {0}};
static const struct lws_extension extensions[] = {
	{"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"}, {0}};

static void visit(struct lws_context *context, const char *host, int port, const char *path, void *question) {
	struct lws_client_connect_info info = {.context = context, .address = host, .port = port, .path = path,
		.host = authority, .opaque_user_data = question};
	closed = 0;
	if (lws_client_connect_via_info(&info))
		while (!closed) lws_service(context, 0);
}

int main(int argc, char **argv) {
	const char *url = NULL, *agent = "libwebsockets", *scheme, *host, *path;
	struct lws_context_creation_info info = {.iface = "127.0.0.1", .protocols = protocols, .extensions = extensions};
	for (int at = 1; at < argc; at++) {
		const char *value = at + 1 < argc ? argv[at + 1] : "";
		if (!strcmp(argv[at], "--port")) info.port = atoi(value);
		if (!strcmp(argv[at], "--agent")) agent = value;
		if (!strcmp(argv[at], "--max-message-size")) max_message_size = strtoul(value, NULL, 10);
		if (!strncmp(argv[at], "ws://", 5)) url = argv[at];
	}
	char target[512];
	int port;
	lws_set_log_level(LLL_ERR, NULL);
	if (url) info.port = CONTEXT_PORT_NO_LISTEN;
	struct lws_context *context = lws_create_context(&info);
	if (!context) return 1;
	if (!url) {
		printf("Listening on ws://127.0.0.1:%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
		fflush(stdout);
		while (lws_service(context, 0) >= 0) {}
		return 0;
	}
	authority = url + 5;
	if (lws_parse_uri(strdup(url), &scheme, &host, &port, &path)) return 1;
	visit(context, host, port, "/getCaseCount", &count);
	for (int number = 1; number <= count; number++) {
		printf("case %d of %d\n", number, count);
		fflush(stdout);
		snprintf(target, sizeof target, "/runCase?case=%d&agent=%s", number, agent);
		visit(context, host, port, target, NULL);
	}
	snprintf(target, sizeof target, "/updateReports?agent=%s", agent);
	visit(context, host, port, target, NULL);
	return 0;
}
