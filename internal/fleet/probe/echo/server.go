package echo

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe/oneshot"
)

// How many requests a network may make in a minute, and how many networks are
// counted.
const (
	perMinute   = 120
	maxNetworks = 1 << 16
)

// minKey is the shortest key, in bytes.
const minKey = 16

// Config is what NewServer needs.
type Config struct {
	Key   []byte      // required: 16 bytes or more, with which the service verifies answers
	Clock clock.Clock // required
	// Seen is called with each answer before it is sent, and must not block. Nil
	// means that nobody is told. What it keeps of addresses is its own to answer
	// for.
	Seen func(nonce string, addr netip.Addr)
}

// Server tells whoever asks what address it sees. It needs a port of its own:
// behind a reverse proxy it would see that proxy.
type Server struct {
	cfg Config

	mu     sync.Mutex
	minute int64                // since 1970
	asked  map[netip.Prefix]int // in this minute
}

// NewServer returns a Server.
func NewServer(cfg Config) (*Server, error) {
	if len(cfg.Key) < minKey || cfg.Clock == nil {
		return nil, fmt.Errorf("echo: a clock and a key of at least %d bytes are required", minKey)
	}
	return &Server{cfg: cfg, asked: map[netip.Prefix]int{}}, nil
}

// Serve answers at ln until ctx ends, and closes ln and all connections before
// it returns. It returns nil when ctx has ended.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	return oneshot.Serve(ctx, ln, s.answer)
}

func (s *Server) answer(target string, from netip.Addr) (oneshot.Status, string) {
	nonce, ok := strings.CutPrefix(target, path+query)
	if !ok {
		return oneshot.NotFound, ""
	}
	if !s.allow(from) {
		return oneshot.TooManyRequests, ""
	}
	body, err := Answer(s.cfg.Key, nonce, from)
	if err != nil {
		return oneshot.BadRequest, ""
	}
	if s.cfg.Seen != nil {
		s.cfg.Seen(nonce, from)
	}
	return oneshot.OK, body
}

// allow reports whether addr's network may have another answer in this minute.
func (s *Server) allow(addr netip.Addr) bool {
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.cfg.Clock.Now().Unix() / 60; m != s.minute {
		s.minute = m
		clear(s.asked)
	}
	n := s.asked[network]
	if n >= perMinute || n == 0 && len(s.asked) >= maxNetworks {
		return false
	}
	s.asked[network] = n + 1
	return true
}
