// A testee in C, over libwebsockets: cc testee.c -lwebsockets -o testee (Debian has libwebsockets-dev).
//   ./testee --port 0                          a server, which prints where it listens
//   ./testee ws://127.0.0.1:9001 --agent NAME  a client, which runs every case of a fuzzing server
// Both take --max-message-size BYTES. It has no modes; harness/README.md has the whole contract. And no compression:
// with it libwebsockets 4.1 spins on a ping inside of a compressed message, and aborts where it sends an empty one.
// As a client it may abort in X.9.25: where a text frame of over 64 KiB is not UTF-8, libwebsockets 4.1 goes on to write
// behind its full buffer, and that cannot be mended from here. `fuzzserver --exclude X.9.25` leaves the case out.
// /// script
// [tool.testee]
// name = "libwebsockets"
// title = "libwebsockets"
// needs = ["cc"]
// debian = ["libwebsockets-dev"]
// build = "cc -O1 -o {folder}/testee {source} -lwebsockets"
// start = "{folder}/testee"
// ///
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

struct message { struct message *next; size_t size; int binary, whole, refused; unsigned char data[]; };

static size_t max_message_size = 16 << 20;
static int closed;

static void receive(struct lws *wsi, struct message **last, void *data, size_t length) {
	for (; *last && (*last)->whole; last = &(*last)->next) // these are still to be sent
		if ((*last)->refused) return;
	size_t before = *last ? (*last)->size : 0;
	int refused = before + length > max_message_size;
	if (refused) length = 0;
	struct message *message = *last = realloc(*last, sizeof *message + LWS_PRE + before + length);
	memcpy(message->data + LWS_PRE + before, data, length);
	message->next = NULL;
	message->size = before + length;
	message->binary = lws_frame_is_binary(wsi);
	message->refused = refused;
	message->whole = refused || lws_is_final_fragment(wsi);
	if (message->whole) lws_callback_on_writable(wsi);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in, size_t length) {
	struct message **queue = session, *first = queue ? *queue : NULL;
	int *number = lws_get_opaque_user_data(wsi); // where the answer to a question goes
	if (reason == LWS_CALLBACK_RECEIVE || reason == LWS_CALLBACK_CLIENT_RECEIVE) {
		if (!number) receive(wsi, queue, in, length);
		else *number = atoi(strncpy((char[16]){0}, in, length < 15 ? length : 15));
	} else if (reason == LWS_CALLBACK_SERVER_WRITEABLE || reason == LWS_CALLBACK_CLIENT_WRITEABLE) {
		if (!first || !first->whole) return 0;
		if (first->refused) { // only now: to a -1 on receiving a client of libwebsockets 4.1 writes past its buffer
			lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
			return -1;
		}
		lws_write(wsi, first->data + LWS_PRE, first->size, first->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
		*queue = first->next;
		free(first);
		if (*queue) lws_callback_on_writable(wsi);
	} else if (reason == LWS_CALLBACK_CLIENT_CLOSED || reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) {
		closed = 1;
	}
	return lws_callback_http_dummy(wsi, reason, session, in, length); // refuses what asks for no WebSocket
}

static void visit(struct lws_context *context, const char *url, const char *target, int *number) {
	struct lws_client_connect_info info = {.context = context, .opaque_user_data = number, .path = target};
	char copy[256];
	const char *scheme, *path;
	lws_strncpy(copy, url, sizeof copy);
	if (lws_parse_uri(copy, &scheme, &info.address, &info.port, &path)) exit(1);
	info.host = url + strlen("ws://");
	closed = !lws_client_connect_via_info(&info);
	while (!closed) lws_service(context, 0);
}

int main(int argc, char **argv) {
	struct lws_protocols protocols[] = {{"", callback, sizeof(struct message *), 65536, 0, NULL, 0}, {0}};
	struct lws_context_creation_info info = {.iface = "127.0.0.1", .protocols = protocols,
		.options = LWS_SERVER_OPTION_VALIDATE_UTF8};
	const char *url = argc > 1 && !strncmp(argv[1], "ws://", 5) ? argv[1] : NULL, *agent = "libwebsockets";
	for (int at = 1; at + 1 < argc; at++) {
		if (!strcmp(argv[at], "--port")) info.port = atoi(argv[at + 1]);
		if (!strcmp(argv[at], "--agent")) agent = argv[at + 1];
		if (!strcmp(argv[at], "--max-message-size")) max_message_size = strtoul(argv[at + 1], NULL, 10);
	}
	if (url) info.port = CONTEXT_PORT_NO_LISTEN;
	lws_set_log_level(LLL_ERR, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct lws_context *context = lws_create_context(&info);
	if (!context) return 1;
	if (!url) {
		printf("Listening on ws://127.0.0.1:%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
		while (lws_service(context, 0) >= 0) {}
		return 0;
	}
	int count = 0;
	char target[512], name[256];
	lws_urlencode(name, agent, sizeof name);
	visit(context, url, "/getCaseCount", &count);
	for (int number = 1; number <= count; number++) {
		printf("case %d of %d\n", number, count);
		snprintf(target, sizeof target, "/runCase?case=%d&agent=%s", number, name);
		visit(context, url, target, NULL);
	}
	snprintf(target, sizeof target, "/updateReports?agent=%s", name);
	visit(context, url, target, NULL);
	return 0;
}
