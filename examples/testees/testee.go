// A testee in Go, over gorilla/websocket: go mod init testee && go mod tidy && go build testee.go. With Debian's
// golang-go and golang-github-gorilla-websocket-dev: GO111MODULE=off GOPATH=/usr/share/gocode go build testee.go
//
//	./testee --port 0                            a server, which prints where it listens
//	./testee ws://127.0.0.1:9001 --agent NAME    a client, which runs every case of a fuzzing server
//
// Both take --max-message-size BYTES. It has no modes; harness/README.md has the whole contract.
//
// /// script
// [tool.testee]
// name = "gorilla"
// title = "gorilla/websocket"
// needs = ["go"]
// debian = ["golang-github-gorilla-websocket-dev"]
// build = "env GO111MODULE=off GOPATH=/usr/share/gocode go build -o {folder}/testee {source}"
// start = "{folder}/testee"
// ///
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

var maxMessageSize = flag.Int64("max-message-size", 16<<20, "longest message to take, in bytes")

func echo(socket *websocket.Conn) {
	socket.SetReadLimit(*maxMessageSize)
	for kind, message, err := socket.ReadMessage(); err == nil; kind, message, err = socket.ReadMessage() {
		if kind == websocket.TextMessage && !utf8.Valid(message) { // which gorilla leaves to the application
			kind, message = websocket.CloseMessage, websocket.FormatCloseMessage(1007, "")
		}
		socket.WriteMessage(kind, message)
	}
}

func visit(target string, use func(*websocket.Conn)) {
	dialer := websocket.Dialer{EnableCompression: true}
	if socket, _, err := dialer.Dial(target, nil); err != nil {
		log.Print(err)
	} else {
		defer socket.Close()
		use(socket)
	}
}

func drive(server, agent string) {
	count := 0
	visit(server+"/getCaseCount", func(socket *websocket.Conn) {
		_, message, _ := socket.ReadMessage()
		count, _ = strconv.Atoi(string(message))
	})
	for number := 1; number <= count; number++ {
		fmt.Printf("case %d of %d\n", number, count)
		visit(fmt.Sprintf("%s/runCase?case=%d&agent=%s", server, number, url.QueryEscape(agent)), echo)
	}
	visit(server+"/updateReports?agent="+url.QueryEscape(agent), echo)
}

func serve(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{EnableCompression: true}
	if socket, err := upgrader.Upgrade(w, r, nil); err == nil {
		defer socket.Close()
		echo(socket)
	}
}

func main() {
	port := flag.Int("port", 0, "TCP port; 0 takes a free one")
	agent := flag.String("agent", "gorilla", "name in the report")
	flag.Bool("modes", false, "it has none")
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "ws://") {
		flag.CommandLine.Parse(os.Args[2:])
		drive(os.Args[1], *agent)
		return
	}
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Listening on ws://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, http.HandlerFunc(serve)))
}
