package vantage

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
)

// Limits of single values. A configuration is as long as package link reads.
const (
	maxSpec    = 64 << 10
	maxText    = 128
	maxURL     = 256
	maxCentres = 64
	maxDC      = 1000
	maxNext    = time.Hour
	maxLife    = time.Hour
)

// Validate refuses an Ask with a value out of its bounds.
func (a Ask) Validate() error {
	switch {
	case a.V != Version:
		return fmt.Errorf("version %d is not %d", a.V, Version)
	case a.Vantage == uuid.Nil || a.At.IsZero():
		return errors.New("vantage or at is missing")
	case a.Max < 0 || a.Max > MaxJobs:
		return fmt.Errorf("max is not from 0 to %d", MaxJobs)
	case !printable(a.SW, maxText):
		return errors.New("sw is not a short name")
	}
	return nil
}

// Validate refuses a Lease with a value out of its bounds, and one that tells
// the prober which of its jobs are canaries.
func (l Lease) Validate() error {
	switch {
	case l.V != Version:
		return fmt.Errorf("version %d is not %d", l.V, Version)
	case l.ID == uuid.Nil || l.Vantage == uuid.Nil:
		return errors.New("id or vantage is missing")
	case l.Issued.IsZero() || !l.Expires.After(l.Issued) || l.Expires.Sub(l.Issued) > maxLife:
		return errors.New("a lease ends after it begins, and within an hour")
	case l.Next < 1 || l.Next > int(maxNext/time.Second):
		return errors.New("next_s is not from 1 to 3600")
	case !printable(l.EchoURL, maxURL):
		return errors.New("echo_url is not a short URL")
	case len(l.Jobs) > MaxJobs:
		return fmt.Errorf("there are more than %d jobs", MaxJobs)
	}
	if err := l.Telegram.Validate(); err != nil {
		return err
	}
	seen := make(map[uuid.UUID]bool, len(l.Jobs))
	for i, j := range l.Jobs {
		err := j.validate()
		if err == nil && seen[j.ID] {
			err = errors.New("its id stands twice")
		}
		if err != nil {
			return fmt.Errorf("job %d: %w", i+1, err)
		}
		seen[j.ID] = true
	}
	return nil
}

func (j Job) validate() error {
	proofs := 0
	if j.Credential != nil {
		proofs++
	}
	if j.Challenge != nil {
		proofs++
	}
	switch {
	case j.ID == uuid.Nil:
		return errors.New("id is missing")
	case !slices.Contains([]Kind{KindSlot, KindRecheck, KindControl}, j.Kind):
		return errors.New("a prober is not told of this kind")
	case !j.Mode.Valid():
		return errors.New("mode is unknown")
	case j.Spec == "" || len(j.Spec) > maxSpec:
		return fmt.Errorf("spec has not 1 to %d bytes", maxSpec)
	case len(j.Twin) > maxSpec:
		return fmt.Errorf("twin has more than %d bytes", maxSpec)
	case j.Twin != "" && (j.Kind != KindSlot || j.Mode != probe.Full):
		return errors.New("a twin goes with the full check of a slot")
	case j.DC < 1 || j.DC > maxDC:
		return errors.New("dc is not the number of a data centre")
	case j.EchoNonce != "" && !isHex(j.EchoNonce, 32):
		return errors.New("echo_nonce is not 32 hex digits")
	case j.Due.IsZero() || !j.Until.After(j.Due):
		return errors.New("until is not after due")
	case j.Kind == KindControl && proofs != 1:
		return errors.New("a proof of control has a credential or a challenge")
	case j.Kind != KindControl && (j.Challenge != nil || j.Decoy != nil):
		return errors.New("a challenge or a decoy is for proofs of control")
	case j.Decoy != nil && j.Credential == nil:
		return errors.New("a decoy goes with a credential")
	}
	if c := j.Challenge; c != nil {
		switch {
		case c.Kind != control.KindPort && c.Kind != control.KindDNS:
			return errors.New("the challenge's kind is unknown")
		case c.Token == "" || !printable(c.Token, maxText):
			return errors.New("the challenge's token is not a short text")
		}
	}
	return nil
}

// Validate refuses a Telegram without a key or a data centre, and one whose
// values have not their form.
func (t Telegram) Validate() error {
	rest := []byte(t.KeysPEM)
	block, _ := pem.Decode(rest)
	switch {
	case len(t.KeysPEM) > maxSpec || block == nil:
		return errors.New("keys_pem holds no key")
	case len(t.Centres) == 0 || len(t.Centres) > maxCentres:
		return fmt.Errorf("there are not 1 to %d data centres", maxCentres)
	}
	for _, c := range t.Centres {
		ap, err := netip.ParseAddrPort(c.Addr)
		if err != nil || ap.String() != c.Addr || c.ID < 1 || c.ID > maxDC {
			return fmt.Errorf("data centre %d has no address of the form ip:port", c.ID)
		}
	}
	return nil
}

// ParseTelegram reads the file that tells the service of Telegram's keys and
// data centres: a Telegram in JSON, in any spelling, without other names.
func ParseTelegram(b []byte) (Telegram, error) {
	if len(b) > MaxTelegram {
		return Telegram{}, fmt.Errorf("read Telegram's keys and data centres: more than %d bytes", MaxTelegram)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var t Telegram
	if err := dec.Decode(&t); err != nil {
		return Telegram{}, fmt.Errorf("read Telegram's keys and data centres: %w", err)
	}
	if dec.More() {
		return Telegram{}, errors.New("read Telegram's keys and data centres: there are bytes behind them")
	}
	if err := t.Validate(); err != nil {
		return Telegram{}, fmt.Errorf("read Telegram's keys and data centres: %w", err)
	}
	return t, nil
}

// Validate refuses a Report with a value out of its bounds, one without answers,
// and one that answers a job twice.
func (r Report) Validate() error {
	switch {
	case r.V != Version:
		return fmt.Errorf("version %d is not %d", r.V, Version)
	case r.Vantage == uuid.Nil || r.Lease == uuid.Nil || r.Clock.IsZero():
		return errors.New("vantage, lease or clock is missing")
	case r.Seq < 1:
		return errors.New("reports count from 1")
	case !isHex(r.Prev, 64):
		return errors.New("prev is not 64 hex digits")
	case !printable(r.SW, maxText):
		return errors.New("sw is not a short name")
	case len(r.Answers) == 0 || len(r.Answers) > MaxAnswers:
		return fmt.Errorf("there are not 1 to %d answers", MaxAnswers)
	}
	seen := make(map[uuid.UUID]bool, len(r.Answers))
	for i, a := range r.Answers {
		err := a.Validate()
		if err == nil && seen[a.Job] {
			err = errors.New("its job stands twice")
		}
		if err != nil {
			return fmt.Errorf("answer %d: %w", i+1, err)
		}
		seen[a.Job] = true
	}
	return nil
}

// Validate refuses an Answer with a value out of its bounds, or an outcome whose
// values do not agree with one another.
func (a Answer) Validate() error {
	if a.Job == uuid.Nil || a.Started.IsZero() {
		return errors.New("job or start is missing")
	}
	if err := checkOutcome(a.Started, a.Outcome); err != nil {
		return err
	}
	if !slices.Contains([]Twin{"", TwinLinked, TwinNotShown, TwinUnknown}, a.Twin) {
		return errors.New("what is said of the twin is unknown")
	}
	if a.Decoy != nil {
		return checkOutcome(a.Started, *a.Decoy)
	}
	return nil
}

// checkOutcome holds an outcome to the rules of the record that it becomes.
func checkOutcome(started time.Time, o probe.Outcome) error {
	r := probe.Result{
		V:        probe.Version,
		Protocol: probe.SOCKS5,
		Started:  started,
		Attempt:  1,
		Mode:     probe.Full,
		Outcome:  o,
	}
	return r.Validate()
}

// Validate refuses an Enrolment without a token or with a key that is none.
func (e Enrolment) Validate() error {
	switch {
	case e.Token == "" || !printable(e.Token, maxText):
		return errors.New("token is missing or no token")
	case len(e.PublicKey) != ed25519.PublicKeySize:
		return errors.New("public_key is not an Ed25519 public key")
	}
	return nil
}

// Validate refuses a Welcome that lacks what a prober needs.
func (w Welcome) Validate() error {
	switch {
	case w.Vantage == uuid.Nil:
		return errors.New("vantage is missing")
	case len(w.ServiceKey) != ed25519.PublicKeySize:
		return errors.New("service_key is not an Ed25519 public key")
	}
	return nil
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// printable reports whether s is printable ASCII of at most limit bytes.
func printable(s string, limit int) bool {
	return len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
