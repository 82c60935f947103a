package control

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/oneshot"
)

// Path is what a challenge asks for over TCP; the answer's body is a line of
// Body's.
const Path = "/.well-known/causeway-challenge"

// Body returns what the server answers to Path, for who serves it by other means
// than Serve.
func Body(token string) string { return "causeway-challenge " + token + "\n" }

// Token returns the token of an endpoint in the period that begins at period, of
// letters and digits. secret is a key of 32 bytes.
func Token(secret []byte, endpoint uuid.UUID, period time.Time) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("causeway/control/token/v1"))
	mac.Write(endpoint[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(period.Unix()))) //nolint:gosec // two's complement will do
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:20]))
}

// Network returns over what a challenge of s goes, probe.TCP or probe.UDP: over
// what its users come.
func Network(s link.Spec) string {
	switch s := s.(type) {
	case link.WireGuard:
		return probe.UDP
	case link.OpenVPN:
		if !s.TCP {
			return probe.UDP
		}
	}
	return probe.TCP
}

// Challenge asks the server of s, on its own address and port, for token. It
// passes the stage target. Errors are *probe.Error: those of the guard, and of
// the stage target where what answers does not know the token.
//
// Where s has a name, it proves the address that the trace has dialled: whoever
// counts it compares that with what the endpoint's checks have dialled.
func Challenge(ctx context.Context, env probe.Env, s link.Spec, token string) error {
	if !isToken(token) {
		return probe.Fail(probe.StageParse, probe.ClassLocalResources, "the token has not its form")
	}
	env.Trace.Pass(probe.StageParse)
	network := Network(s)
	c, err := env.Dialer.Dial(ctx, network, s.Server(), env.Trace)
	if err != nil {
		return err
	}
	defer c.Close()
	if network == probe.UDP {
		err = askUDP(ctx, c, env.Rand, token)
	} else {
		err = askTCP(c, s.Server(), token)
	}
	if err != nil {
		return probe.At(probe.StageTarget, err)
	}
	env.Trace.Pass(probe.StageTarget)
	return nil
}

// isToken keeps free-form bytes out of what is compared and sent.
func isToken(s string) bool {
	return len(s) == 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

func askTCP(c net.Conn, host probe.Address, token string) error {
	body, err := oneshot.Get(c, host, Path)
	if err != nil {
		return err
	}
	body = strings.TrimSuffix(strings.TrimSuffix(body, "\n"), "\r") + "\n"
	if subtle.ConstantTimeCompare([]byte(body), []byte(Body(token))) != 1 {
		return &probe.Error{Class: probe.ClassTargetInvalid, Detail: "what answers does not know the token"}
	}
	return nil
}

// A datagram of the challenge: 8 bytes of kind, then 16 of nonce and 16 of zeros
// in the question, and HMAC-SHA-256 of the nonce under the token in the answer.
// An answer is no longer than its question, so that the server is of no use to
// who sends under a false address.
const (
	question  = "cwaych1?"
	answer    = "cwaych1!"
	nonceLen  = 16
	packetLen = len(question) + sha256.Size
)

// tries is how often a datagram is sent, retry apart.
const (
	tries = 3
	retry = time.Second
)

func packet(token string, nonce []byte) []byte {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("causeway/control/udp/v1"))
	mac.Write(nonce)
	return append([]byte(answer), mac.Sum(nil)...)
}

// asked returns the nonce of a question.
func asked(b []byte) ([]byte, bool) {
	if len(b) != packetLen || string(b[:len(question)]) != question {
		return nil, false
	}
	return b[len(question):][:nonceLen], true
}

func askUDP(ctx context.Context, c net.Conn, rand io.Reader, token string) error {
	q := append([]byte(question), make([]byte, sha256.Size)...)
	nonce, _ := asked(q)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return err
	}
	want := packet(token, nonce)
	strange := false
	b := make([]byte, 2048)
	for try := range tries {
		if _, err := c.Write(q); err != nil {
			return err
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		timer := time.AfterFunc(retry<<try, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
		for {
			n, err := c.Read(b)
			if err == nil && hmac.Equal(b[:n], want) {
				timer.Stop()
				return nil
			}
			if probe.ClassOf(err) == probe.ClassTimeout && ctx.Err() == nil {
				break // time for another question
			}
			if err != nil {
				timer.Stop()
				if strange && ctx.Err() != nil {
					return &probe.Error{Class: probe.ClassTargetInvalid, Detail: "what answers does not know the token"}
				}
				return err
			}
			strange = true
		}
	}
	if strange {
		return &probe.Error{Class: probe.ClassTargetInvalid, Detail: "what answers does not know the token"}
	}
	return &probe.Error{Class: probe.ClassTimeout, Detail: "no answer in time"}
}

// Serve answers challenges over TCP at ln, for the operator, until ctx ends. It
// returns nil when ctx has ended.
func Serve(ctx context.Context, ln net.Listener, token string) error {
	if !isToken(token) {
		ln.Close()
		return errToken()
	}
	return oneshot.Serve(ctx, ln, func(target string, _ netip.Addr) (oneshot.Status, string) {
		if target != Path {
			return oneshot.NotFound, ""
		}
		return oneshot.OK, Body(token)
	})
}

// ServePacket answers challenges over UDP at pc as Serve does over TCP.
func ServePacket(ctx context.Context, pc net.PacketConn, token string) error {
	defer pc.Close()
	if !isToken(token) {
		return errToken()
	}
	defer context.AfterFunc(ctx, func() { pc.Close() })()
	b := make([]byte, packetLen+1) // what is longer is cut, and still too long
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			if ctx.Err() != nil {
				return nil // it was closed because the context ended
			}
			return fmt.Errorf("receive: %w", err)
		}
		if nonce, ok := asked(b[:n]); ok {
			_, _ = pc.WriteTo(packet(token, nonce), from)
		}
	}
}

func errToken() error { return errors.New("a token is 32 letters and digits, as the page shows it") }
