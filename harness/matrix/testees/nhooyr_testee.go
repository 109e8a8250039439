// /// script
// [tool.testee]
// needs = ["go"]
// debian = ["golang-nhooyr-websocket-dev"]
// title = "nhooyr.io/websocket"
// build = "env GO111MODULE=off GOPATH=/usr/share/gocode go build -o {folder}/testee {source}"
// start = "{folder}/testee"
// ///

// Nhooyr.io/websocket, which coder/websocket was before, server and client.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"nhooyr.io/websocket"
)

var maxMessageSize = flag.Int64("max-message-size", 16<<20, "longest message to take, in bytes")

func echo(socket *websocket.Conn) {
	socket.SetReadLimit(*maxMessageSize)
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

func drive(server, agent string) {
	count := 0
	visit(server+"/getCaseCount", func(socket *websocket.Conn) {
		_, message, _ := socket.Read(context.Background())
		count, _ = strconv.Atoi(string(message))
	})
	for number := 1; number <= count; number++ {
		fmt.Printf("case %d of %d\n", number, count)
		visit(fmt.Sprintf("%s/runCase?case=%d&agent=%s", server, number, url.QueryEscape(agent)), echo)
	}
	visit(server+"/updateReports?agent="+url.QueryEscape(agent), echo)
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
	port := flag.Int("port", 0, "TCP port; 0 takes a free one")
	agent := flag.String("agent", "nhooyr", "name in the report")
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
