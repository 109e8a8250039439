// /// script
// [tool.testee]
// needs = ["go"]
// debian = ["golang-golang-x-net-dev"]
// title = "golang.org/x/net/websocket"
// build = "env GO111MODULE=off GOPATH=/usr/share/gocode go build -o {folder}/testee {source} {folder}/contract.go"
// start = "{folder}/testee"
// ///

// Golang.org/x/net/websocket, server and client. It has no compression.
package main

import (
	"log"

	"golang.org/x/net/websocket"
)

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

func ask(target string) (answer string) {
	visit(target, func(socket *websocket.Conn) { websocket.Message.Receive(socket, &answer) })
	return
}

func main() {
	server := websocket.Server{Handler: echo} // a Handler alone would judge the origin
	run(server, func(target string) { visit(target, echo) }, ask)
}
