// /// script
// [tool.testee]
// needs = ["java"]
// title = "java.net.http"
// start = "java {source}"
// ///
// java.net.http, the WebSocket client that is part of Java. It has no compression. It hands on what it
// has of a message, so that the limit is the application's.
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

class Testee {
    static final HttpClient CLIENT = HttpClient.newHttpClient();
    static String answer = "";
    static int maxMessageSize = 16 << 20;

    /** Sends each message back, or keeps it as the answer to a question. */
    static class Echo implements WebSocket.Listener {
        final CompletableFuture<Void> ended = new CompletableFuture<>();
        final boolean asks;
        final StringBuilder text = new StringBuilder();
        final ByteArrayOutputStream binary = new ByteArrayOutputStream();

        Echo(boolean asks) {
            this.asks = asks;
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (text.length() > maxMessageSize) return refuse(socket);
            CompletionStage<?> sent = null;
            if (last) {
                answer = text.toString();
                text.setLength(0);
                sent = asks ? null : socket.sendText(answer, true);
            }
            return next(socket, sent);
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] part = new byte[data.remaining()];
            data.get(part);
            binary.writeBytes(part);
            if (binary.size() > maxMessageSize) return refuse(socket);
            CompletionStage<?> sent = null;
            if (last) {
                sent = socket.sendBinary(ByteBuffer.wrap(binary.toByteArray()), true);
                binary.reset();
            }
            return next(socket, sent);
        }

        /** Ends a connection with a message that is too long; Java sends no 1009. */
        CompletionStage<?> refuse(WebSocket socket) {
            text.setLength(0);
            binary.reset();
            return socket.sendClose(1008, "").whenComplete((sent, error) -> {
                socket.abort();
                ended.complete(null);
            });
        }

        /** Asks for the next message once the last one is sent: the client sends one at a time. */
        CompletionStage<?> next(WebSocket socket, CompletionStage<?> sent) {
            if (sent == null) {
                socket.request(1);
                return null;
            }
            return sent.thenRun(() -> socket.request(1));
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            ended.complete(null);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            System.err.println(error.getMessage());
            ended.complete(null);
        }
    }

    static void visit(String url, boolean asks) {
        try {
            Echo echo = new Echo(asks);
            CLIENT.newWebSocketBuilder().buildAsync(URI.create(url), echo).join();
            echo.ended.join();
        } catch (RuntimeException error) {
            System.err.println(error.getMessage());
        }
    }

    public static void main(String[] words) {
        String url = words[0];
        String agent = "java";
        for (int at = 1; at < words.length - 1; at++) {
            if (words[at].equals("--max-message-size")) maxMessageSize = Integer.parseInt(words[at + 1]);
            if (words[at].equals("--agent")) agent = URLEncoder.encode(words[at + 1], StandardCharsets.UTF_8);
        }
        visit(url + "/getCaseCount", true);
        int count = Integer.parseInt(answer);
        for (int number = 1; number <= count; number++) {
            System.out.println("case " + number + " of " + count);
            visit(url + "/runCase?case=" + number + "&agent=" + agent, false);
        }
        visit(url + "/updateReports?agent=" + agent, false);
        System.exit(0);
    }
}
