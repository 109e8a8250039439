// /// script
// [tool.testee]
// needs = ["go"]
// debian = ["golang-nhooyr-websocket-dev"]
// title = "nhooyr.io/websocket"
// build = "env GO111MODULE=off GOPATH=/usr/share/gocode go build -o {folder}/testee {source} {folder}/contract.go"
// start = "{folder}/testee"
// ///

// Nhooyr.io/websocket, which coder/websocket was before, server and client.
package main

import (
	"context"
	"log"
	"net/http"

	"nhooyr.io/websocket"
)

func echo(socket *websocket.Conn) {
	socket.SetReadLimit(int64(*maxMessageSize))
	for {
		kind, message, err := socket.Read(context.Background())
		if err != nil {
			return
		}
		socket.Write(context.Background(), kind, message)
	}
}

func visit(target string, use func(*websocket.Conn)) {
	options := &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover, CompressionThreshold: 1}
	if socket, _, err := websocket.Dial(context.Background(), target, options); err != nil {
		log.Print(err)
	} else {
		defer socket.Close(websocket.StatusNormalClosure, "")
		use(socket)
	}
}

func ask(target string) (answer string) {
	visit(target, func(socket *websocket.Conn) {
		_, message, _ := socket.Read(context.Background())
		answer = string(message)
	})
	return
}

func serve(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify:   true, // of the origin alone
		CompressionMode:      websocket.CompressionContextTakeover,
		CompressionThreshold: 1,
	})
	if err == nil {
		defer socket.Close(websocket.StatusNormalClosure, "")
		echo(socket)
	}
}

func main() {
	run(http.HandlerFunc(serve), func(target string) { visit(target, echo) }, ask)
}
