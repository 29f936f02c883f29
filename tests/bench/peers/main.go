// Reads a stream with Go's net/http: main URL EVENTS
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
)

type delta struct {
	Delta struct {
		Content []struct {
			Text struct {
				Value string `json:"value"`
			} `json:"text"`
		} `json:"content"`
	} `json:"delta"`
}

func main() {
	response, err := http.Post(os.Args[1], "application/json", strings.NewReader("{}"))
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	deltas, name := 0, ""
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line := lines.Bytes()
		if bytes.HasPrefix(line, []byte("event: ")) {
			name = string(line[len("event: "):])
		} else if bytes.HasPrefix(line, []byte("data: ")) && name == "thread.message.delta" {
			var event delta
			if err := json.Unmarshal(line[len("data: "):], &event); err != nil {
				panic(err)
			}
			if event.Delta.Content[0].Text.Value != "" {
				deltas++
			}
		}
	}
	if strconv.Itoa(deltas) != os.Args[2] {
		os.Exit(3)
	}
}
