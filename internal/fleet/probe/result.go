package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Version is the version of Result.
const Version = 1

// MaxDetail is the longest detail of a record, in bytes; maxID is far above any identifier
// of ours.
const (
	MaxDetail = 200
	maxID     = 128
)

// Evidence is what a passed check has seen.
type Evidence struct {
	TGDC         int    `json:"tg_dc,omitempty"`           // Telegram data centre asked for
	TGKey        string `json:"tg_key,omitempty"`          // fingerprint of its RSA key, 16 hex digits
	TGProven     bool   `json:"tg_proven,omitempty"`       // it holds that key
	TGTimeSkewMS int64  `json:"tg_time_skew_ms,omitempty"` // its clock less ours, in whole seconds of Telegram's
	ServerKey    string `json:"server_key,omitempty"`      // hex SHA-256 of the certificate or key that the server has shown to hold
	Exit         *Exit  `json:"exit,omitempty"`            // nil where the exit could not be asked for
}

// Exit is the address from which an endpoint's traffic comes out, as our own
// server saw it. Package echo makes and verifies it.
type Exit struct {
	Addr string `json:"addr"` // an IP address in its one spelling
	MAC  string `json:"mac"`  // 64 hex digits, under the service's key, of the check's nonce and Addr
}

// Validate refuses an Exit whose fields do not have their forms. Whether it is
// true shows only with the service's key.
func (e *Exit) Validate() error {
	switch {
	case !canonicalIP(e.Addr):
		return errors.New("the exit's addr is not an address")
	case !isHex(e.MAC, 64):
		return errors.New("the exit's mac is not 64 hex digits")
	}
	return nil
}

// Control is what a check of our own network gave beside a failed attempt.
type Control struct {
	OK     bool   `json:"ok"`
	MS     int64  `json:"ms"`
	Detail string `json:"detail,omitempty"`
}

// Outcome is what one attempt gave, before it is put into a record.
type Outcome struct {
	OK       bool            `json:"ok"`
	Stage    Stage           `json:"stage"`               // last stage passed; "" for none
	FailedAt Stage           `json:"failed_at,omitempty"` // stage not passed
	Class    Class           `json:"class"`
	Detail   string          `json:"detail,omitempty"` // at most MaxDetail bytes of printable ASCII
	MS       map[Stage]int64 `json:"ms"`               // milliseconds each stage took
	Addr     string          `json:"addr,omitempty"`   // ip:port that was dialled
	Evidence *Evidence       `json:"evidence,omitempty"`
	Control  *Control        `json:"control,omitempty"`
}

// Result is the record of one attempt.
type Result struct {
	V        int       `json:"v"`
	ID       string    `json:"id"`
	Endpoint string    `json:"endpoint"`
	SpecHash string    `json:"spec_hash"` // keyed digest of the configuration, 64 hex digits
	Protocol Protocol  `json:"protocol"`
	Vantage  string    `json:"vantage"`
	AgentSeq uint64    `json:"agent_seq"`
	Started  time.Time `json:"started"`
	Slot     string    `json:"slot"`
	Attempt  int       `json:"attempt"` // from 1
	Mode     Mode      `json:"mode"`
	Outcome
	ExitIP     string   `json:"exit_ip,omitempty"`
	ExitASN    uint32   `json:"exit_asn,omitempty"`
	Blocklists []string `json:"blocklists,omitempty"`
	SW         string   `json:"sw"` // program and version
}

// Verdict returns what the record says about its endpoint.
func (r *Result) Verdict() Verdict { return r.Class.Verdict(r.Mode) }

// Validate refuses a record whose values are not of the closed sets or do not
// agree with one another.
func (r *Result) Validate() error {
	switch {
	case r.V != Version:
		return fmt.Errorf("version %d is not %d", r.V, Version)
	case !r.Protocol.Valid():
		return fmt.Errorf("unknown protocol %q", clip(string(r.Protocol), 32))
	case !r.Mode.Valid():
		return fmt.Errorf("unknown mode %q", clip(string(r.Mode), 32))
	case r.Attempt < 1:
		return errors.New("attempts count from 1")
	case r.Started.IsZero():
		return errors.New("the start is missing")
	case r.SpecHash != "" && !isHex(r.SpecHash, 64):
		return errors.New("spec_hash is not 64 hex digits")
	}
	for _, s := range append([]string{r.ID, r.Endpoint, r.Vantage, r.Slot, r.SW}, r.Blocklists...) {
		if len(s) > maxID || s != printable(s) {
			return fmt.Errorf("%q is not an identifier", clip(s, 32))
		}
	}
	if r.ExitIP != "" && !canonicalIP(r.ExitIP) {
		return errors.New("exit_ip is not an address")
	}
	return r.validate()
}

func (o *Outcome) validate() error {
	switch {
	case o.Stage != "" && !o.Stage.Valid():
		return fmt.Errorf("unknown stage %q", clip(string(o.Stage), 32))
	case !o.Class.Valid():
		return fmt.Errorf("unknown class %q", clip(string(o.Class), 32))
	case o.OK != (o.Class == ClassNone):
		return errors.New("ok and class contradict each other")
	case o.OK && (o.FailedAt != "" || o.Stage == ""):
		return errors.New("a passed attempt has a last stage and no failed one")
	case !o.OK && !o.FailedAt.Valid():
		return errors.New("a failed attempt names the stage that it did not pass")
	case len(o.Detail) > MaxDetail || o.Detail != printable(o.Detail):
		return errors.New("the detail is too long or not printable")
	case o.Control != nil && (len(o.Control.Detail) > MaxDetail || o.Control.Detail != printable(o.Control.Detail)):
		return errors.New("the control's detail is too long or not printable")
	}
	for s, ms := range o.MS {
		if !s.Valid() || ms < 0 {
			return fmt.Errorf("stage %q took %d ms", clip(string(s), 32), ms)
		}
	}
	if o.Addr != "" {
		if ap, err := netip.ParseAddrPort(o.Addr); err != nil || ap.String() != o.Addr {
			return errors.New("addr is not ip:port")
		}
	}
	if e := o.Evidence; e != nil {
		switch {
		case e.TGKey != "" && !isHex(e.TGKey, 16):
			return errors.New("tg_key is not 16 hex digits")
		case e.TGProven && e.TGKey == "":
			return errors.New("a proof names its key")
		case e.ServerKey != "" && !isHex(e.ServerKey, 64):
			return errors.New("server_key is not 64 hex digits")
		case e.Exit != nil:
			return e.Exit.Validate()
		}
	}
	return nil
}

func canonicalIP(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.String() == s && ip.Zone() == "" && !ip.Is4In6()
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// printable returns s with every byte outside printable ASCII as a dot.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, s)
}

// clip returns at most n bytes of s.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
