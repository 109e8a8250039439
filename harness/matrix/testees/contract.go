// The common part of the testees in Go: arguments, readiness line, the round of all cases.
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
)

var maxMessageSize = flag.Int("max-message-size", 16<<20, "longest message to take, in bytes")

// It serves, or drives: echo sends messages back until the server closes, ask gives the first message.
func run(server http.Handler, echo func(url string), ask func(url string) string) {
	port := flag.Int("port", 0, "TCP port; 0 takes a free one")
	agent := flag.String("agent", "testee", "name in the report")
	flag.Bool("modes", false, "it has none")
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "ws://") {
		flag.CommandLine.Parse(os.Args[2:])
		drive(os.Args[1], url.QueryEscape(*agent), echo, ask)
		return
	}
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Listening on ws://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, server))
}

func drive(server, agent string, echo func(url string), ask func(url string) string) {
	count, _ := strconv.Atoi(ask(server + "/getCaseCount"))
	for number := 1; number <= count; number++ {
		fmt.Printf("case %d of %d\n", number, count)
		echo(fmt.Sprintf("%s/runCase?case=%d&agent=%s", server, number, agent))
	}
	echo(server + "/updateReports?agent=" + agent)
}
