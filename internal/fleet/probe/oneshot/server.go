package oneshot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// What a server takes: bytes of a request, connections at once, and the time of
// one connection.
const (
	maxRequest     = 2 << 10
	maxConnections = 256
	lifetime       = 10 * time.Second
)

// Status is what an answer begins with.
type Status string

// The answers.
const (
	OK              Status = "200 OK"
	BadRequest      Status = "400 Bad Request"
	NotFound        Status = "404 Not Found"
	TooManyRequests Status = "429 Too Many Requests"
)

// Answer makes the answer to a request for target, as it was sent, from an
// address without a zone. Only OK has a body. It must not block.
type Answer func(target string, from netip.Addr) (Status, string)

// Serve answers connections of ln until ctx ends or ln fails, and closes ln and
// every connection before it returns. It returns nil when ctx has ended.
func Serve(ctx context.Context, ln net.Listener, answer Answer) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	sctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer ln.Close()
	defer context.AfterFunc(sctx, func() { ln.Close() })()
	room := make(chan struct{}, maxConnections)
	for {
		c, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil // it was closed because the context ended
			}
			return fmt.Errorf("accept: %w", err)
		}
		select {
		case room <- struct{}{}:
		default: // full: who asks again later finds room
			c.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-room }()
			serve(sctx, c, answer)
		})
	}
}

func serve(ctx context.Context, c net.Conn, answer Answer) {
	ctx, cancel := context.WithTimeout(ctx, lifetime)
	defer cancel()
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()

	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return
	}
	target, err := readRequest(c)
	switch {
	case errors.Is(err, errRequest):
		say(c, BadRequest, "")
	case err == nil:
		status, body := answer(target, from.Addr().WithZone("").Unmap())
		say(c, status, body)
	}
}

func say(w io.Writer, s Status, body string) {
	if s != OK {
		body = ""
	}
	_, _ = fmt.Fprintf(
		w,
		"HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
		s,
		len(body),
		body,
	)
}

// readRequest reads a request up to its empty line and returns its target.
func readRequest(r io.Reader) (string, error) {
	limited := &io.LimitedReader{R: r, N: maxRequest}
	b := bufio.NewReader(limited)
	target, good := "", false
	for first := true; ; first = false {
		line, err := b.ReadString('\n')
		if err != nil && limited.N <= 0 {
			return "", errRequest
		}
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case first:
			rest, ok := strings.CutPrefix(line, "GET ")
			t, version, _ := strings.Cut(rest, " ")
			target, good = t, ok && strings.HasPrefix(t, "/") && strings.HasPrefix(version, protocol)
		case line == "" && !good:
			return "", errRequest
		case line == "":
			return target, nil
		}
	}
}
