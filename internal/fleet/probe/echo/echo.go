package echo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/oneshot"
)

// nonceLen is the length of a nonce in bytes; in text it is in hex.
const nonceLen = 16

// patience is how long an answer is waited for: it is the last and least part of
// a check.
const patience = 5 * time.Second

// What the server is asked for.
const (
	path  = "/echo"
	query = "?nonce="
)

// NewNonce returns a nonce for one check. The service makes it and keeps it.
func NewNonce(rand io.Reader) (string, error) {
	var b [nonceLen]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("make a nonce: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// isNonce reports whether s is what NewNonce makes.
func isNonce(s string) bool {
	return len(s) == 2*nonceLen && strings.Trim(s, "0123456789abcdef") == ""
}

// Answer returns what the server says to whoever asks with nonce from addr, a
// line of address and code. It refuses a nonce of another form than NewNonce's.
func Answer(key []byte, nonce string, addr netip.Addr) (string, error) {
	if !isNonce(nonce) || !addr.IsValid() {
		return "", errors.New("the nonce or the address has not its form")
	}
	a := addr.WithZone("").Unmap().String()
	return a + " " + hex.EncodeToString(code(key, nonce, a)) + "\n", nil
}

// code binds an address to a nonce. A nonce has one length, so that the two
// cannot run into one another.
func code(key []byte, nonce, addr string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("causeway/echo/v1\x00" + nonce + addr))
	return mac.Sum(nil)
}

// Verify returns the address of e, which the server whose key is key has seen
// with nonce. It is for the service, which alone has the key. Any error means
// that the answer was changed, made up, or is of another check.
func Verify(key []byte, nonce string, e probe.Exit) (netip.Addr, error) {
	if err := e.Validate(); err != nil {
		return netip.Addr{}, err
	}
	got, err := hex.DecodeString(e.MAC)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("read the code: %w", err)
	case !isNonce(nonce) || !hmac.Equal(got, code(key, nonce, e.Addr)):
		return netip.Addr{}, errors.New("the answer was changed on its way, or is of another check")
	}
	return netip.ParseAddr(e.Addr)
}

// Ask asks the echo server at to, through t, where the endpoint's traffic comes
// out. Tunnels reach addresses only, so that to should be one. There is no TLS:
// what is said is no secret, and its code keeps it from being changed. It waits 5
// seconds at most. Errors are *probe.Error: those of t.Dial, and
// of the stage target.
func Ask(ctx context.Context, t probe.Tunnel, to probe.Address, nonce string) (probe.Exit, error) {
	if !isNonce(nonce) {
		return probe.Exit{}, probe.Fail(
			probe.StageTarget,
			probe.ClassLocalResources,
			"the echo's nonce has not its form",
		)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := t.Dial(ctx, to)
	if err != nil {
		return probe.Exit{}, err
	}
	defer c.Close()
	body, err := oneshot.Get(c, to, path+query+nonce)
	if err != nil {
		return probe.Exit{}, probe.At(probe.StageTarget, err)
	}
	e, ok := readAnswer(body)
	if !ok {
		return probe.Exit{}, probe.Fail(
			probe.StageTarget,
			probe.ClassTargetInvalid,
			"what answers is not the echo server",
		)
	}
	return e, nil
}

// readAnswer reads Answer's form.
func readAnswer(body string) (probe.Exit, bool) {
	line, ended := strings.CutSuffix(body, "\n")
	addr, mac, _ := strings.Cut(line, " ")
	e := probe.Exit{Addr: addr, MAC: mac}
	return e, ended && e.Validate() == nil
}
