package oneshot

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// MaxAnswer is what a client reads at most, in bytes, headers included.
const MaxAnswer = 4 << 10

// Get asks for target, such as "/echo", and returns the body of the answer. host
// goes into the request's only header of meaning. Errors of what answers are
// *probe.Error without a stage; others are those of c.
func Get(c net.Conn, host probe.Address, target string) (string, error) {
	request := "GET " + target + " HTTP/1.1\r\nHost: " + host.String() + "\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	return read(c)
}

// read reads an answer.
func read(r io.Reader) (string, error) {
	limited := &io.LimitedReader{R: r, N: MaxAnswer + 1}
	b := bufio.NewReader(limited)
	tp := textproto.NewReader(b)
	fail := func(err error) error {
		if limited.N <= 0 {
			return refuse("the answer is too long")
		}
		return err
	}
	for i := range len(protocol) { // another protocol is told by its first byte
		first, err := b.Peek(i + 1)
		if err != nil {
			return "", err
		}
		if first[i] != protocol[i] {
			return "", refuse("what answers is no web server")
		}
	}
	status, err := tp.ReadLine()
	if err != nil {
		return "", fail(err)
	}
	if _, code, _ := strings.Cut(status, " "); code != "200" && !strings.HasPrefix(code, "200 ") {
		return "", refuse("the answer is not 200 OK")
	}
	length := -1
	for {
		line, err := tp.ReadLine()
		if err != nil {
			return "", fail(err)
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(name, "transfer-encoding"):
			return "", refuse("the answer comes in parts")
		case strings.EqualFold(name, "content-length"):
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil || length >= 0 && length != int(n) {
				return "", refuse("the answer's length is no length")
			}
			length = int(n)
		}
	}
	if length < 0 {
		body, err := io.ReadAll(b)
		if err != nil || limited.N <= 0 {
			return "", fail(err)
		}
		return string(body), nil
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(b, body); err != nil {
		return "", fail(err)
	}
	return string(body), nil
}

const protocol = "HTTP/1."

func refuse(why string) error { return &probe.Error{Class: probe.ClassTargetInvalid, Detail: why} }

// errRequest is a request that is not taken.
var errRequest = errors.New("no request of one shot")
