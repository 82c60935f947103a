package ack

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const (
	header = "causeway/ack/v1"
	none   = "none"
	host   = "host"

	// Namespace is what acks are signed for.
	Namespace = "causeway-ack"

	// MaxBytes bounds an ack: about 25,000 halts.
	MaxBytes = 1 << 20
)

// Ack is what a signer knows.
type Ack struct {
	Network  decision.Network
	Fund     uuid.UUID       // uuid.Nil before the first charter
	Signer   string          // fingerprint of its treasury key
	Version  int64           // of its newest charter; 0 for none
	Charter  decision.Digest // of that charter
	HostHalt bool            // its own host halted it
	Halts    []uuid.UUID     // in force, in rising order
	Line     int64           // number of its journal's last line; 0 for none
	Head     decision.Digest // SHA-256 of that line
	At       time.Time       // whole seconds, UTC, by the signer's clock
}

// Encode returns the canonical bytes.
func (a Ack) Encode() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", header)
	line("network %s %s", a.Network.Name, a.Network.Genesis)
	if a.Fund == uuid.Nil {
		line("fund %s", none)
	} else {
		line("fund %s", a.Fund)
	}
	line("signer %s", a.Signer)
	if a.Version == 0 {
		line("charter %s", none)
	} else {
		line("charter %d %s", a.Version, a.Charter)
	}
	if a.HostHalt {
		line("halt %s", host)
	}
	for _, id := range a.Halts {
		line("halt %s", id)
	}
	line("line %d %s", a.Line, a.Head)
	line("at %s", a.At.UTC().Format(time.RFC3339))
	return b.Bytes()
}

// Sign returns the text of a and its signature.
func (a Ack) Sign(key ed25519.PrivateKey) (text, signature []byte) {
	text = a.Encode()
	return text, sshsig.Sign(key, Namespace, text)
}

// Open reads an ack that key has signed. The error is Invalid: ack_other_key, ack_malformed
// or what is wrong with the signature.
func Open(text, signature []byte, key sshsig.Key) (Ack, error) {
	s, err := sshsig.ParseFor(Namespace, signature)
	if err != nil {
		return Ack{}, err
	}
	if s.Key != key {
		return Ack{}, errs.New(errs.Invalid, CodeOtherKey, "This ack is signed by another key than the signer's.")
	}
	if err := s.Verify(text); err != nil {
		return Ack{}, err
	}
	a, ok := read(text)
	if !ok || len(text) > MaxBytes || !bytes.Equal(a.Encode(), text) {
		return Ack{}, errs.New(errs.Invalid, CodeBadAck, "This is not an ack as a signer writes it.")
	}
	return a, nil
}

// read takes text apart. What is not in its one spelling, Open finds.
func read(text []byte) (a Ack, ok bool) {
	lines := strings.Split(string(text), "\n")
	next := func(name string, words int) []string {
		if len(lines) > 0 {
			if found := strings.Split(lines[0], " "); found[0] == name && len(found) == words+1 {
				lines = lines[1:]
				return found[1:]
			}
		}
		ok = false
		return make([]string, words)
	}
	ok = true
	next(header, 0)
	network := next("network", 2)
	a.Network = decision.Network{Name: network[0], Genesis: network[1]}
	if fund := next("fund", 1)[0]; fund != none {
		a.Fund = parse(&ok, uuid.Parse, fund)
	}
	a.Signer = next("signer", 1)[0]
	if len(lines) > 0 && lines[0] == "charter "+none {
		lines = lines[1:]
	} else {
		charter := next("charter", 2)
		a.Version, a.Charter = parse(&ok, number, charter[0]), parse(&ok, decision.ParseDigest, charter[1])
	}
	for len(lines) > 0 && strings.HasPrefix(lines[0], "halt ") {
		if id := next("halt", 1)[0]; id == host {
			a.HostHalt = true
		} else {
			a.Halts = append(a.Halts, parse(&ok, uuid.Parse, id))
		}
	}
	line := next("line", 2)
	a.Line, a.Head = parse(&ok, number, line[0]), parse(&ok, decision.ParseDigest, line[1])
	a.At = parse(&ok, moment, next("at", 1)[0])
	return a, ok && len(lines) == 1 && rising(a.Halts) && a.Line >= 0 && a.Version >= 0
}

func parse[T any](ok *bool, read func(string) (T, error), text string) T {
	value, err := read(text)
	if err != nil {
		*ok = false
	}
	return value
}

func number(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

func moment(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }

// rising reports whether ids are in the order in which a signer writes them, each once.
func rising(ids []uuid.UUID) bool {
	for i := 1; i < len(ids); i++ {
		if slices.Compare(ids[i-1][:], ids[i][:]) >= 0 {
			return false
		}
	}
	return true
}
