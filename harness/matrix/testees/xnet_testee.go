// /// script
// [tool.testee]
// needs = ["go"]
// debian = ["golang-golang-x-net-dev"]
// title = "golang.org/x/net/websocket"
// build = "env GO111MODULE=off GOPATH=/usr/share/gocode go build -o {folder}/testee {source}"
// start = "{folder}/testee"
// ///

// Golang.org/x/net/websocket, server and client. It has no compression.
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

	"golang.org/x/net/websocket"
)

var maxMessageSize = flag.Int("max-message-size", 16<<20, "longest message to take, in bytes")

type message struct {
	data []byte
	kind byte
}

var whole = websocket.Codec{
	Marshal: func(v interface{}) ([]byte, byte, error) {
		sent := v.(*message)
		return sent.data, sent.kind, nil
	},
	Unmarshal: func(data []byte, kind byte, v interface{}) error {
		*v.(*message) = message{data, kind}
		return nil
	},
}

func echo(socket *websocket.Conn) {
	socket.MaxPayloadBytes = *maxMessageSize
	for {
		var received message
		if whole.Receive(socket, &received) != nil || whole.Send(socket, &received) != nil {
			return
		}
	}
}

func visit(target string, use func(*websocket.Conn)) {
	if socket, err := websocket.Dial(target, "", "http://127.0.0.1/"); err != nil {
		log.Print(err)
	} else {
		defer socket.Close()
		use(socket)
	}
}

func drive(server, agent string) {
	count := 0
	visit(server+"/getCaseCount", func(socket *websocket.Conn) {
		var text string
		websocket.Message.Receive(socket, &text)
		count, _ = strconv.Atoi(text)
	})
	for number := 1; number <= count; number++ {
		fmt.Printf("case %d of %d\n", number, count)
		visit(fmt.Sprintf("%s/runCase?case=%d&agent=%s", server, number, url.QueryEscape(agent)), echo)
	}
	visit(server+"/updateReports?agent="+url.QueryEscape(agent), echo)
}

func main() {
	port := flag.Int("port", 0, "TCP port; 0 takes a free one")
	agent := flag.String("agent", "xnet", "name in the report")
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
	log.Fatal(http.Serve(listener, websocket.Server{Handler: echo})) // a Handler alone would judge the origin
}
