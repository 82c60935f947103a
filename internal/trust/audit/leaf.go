package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const maxLeafBytes = 1 << 10

var (
	actorShape = regexp.MustCompile(
		`^(staff|operator):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^system:[a-z][a-z-]{0,31}$`,
	)
	actionShape = regexp.MustCompile(`^[a-z][a-z_]{0,31}(\.[a-z][a-z_]{0,31}){1,2}$`)
	kindShape   = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)
	stateShape  = regexp.MustCompile(`^[a-z_]{0,32}$`)
	objectShape = regexp.MustCompile(`^[0-9A-Za-z:_-]{1,100}$`)
	digestShape = regexp.MustCompile(`^([0-9a-f]{64})?$`)
)

// Leaf is what the log says of one change. Field order is key order.
type Leaf struct {
	Action     string `json:"action"`
	Actor      string `json:"actor"`       // identity.Actor.Label
	At         string `json:"at"`          // RFC 3339, UTC, whole seconds
	Digest     string `json:"digest"`      // SHA-256 in hex of what was done, salted; or empty
	From       string `json:"from"`        // state before, or empty
	ObjectID   string `json:"object_id"`   // UUID, txid or the like
	ObjectKind string `json:"object_kind"` // e.g. "batch"
	Seq        int64  `json:"seq"`         // row and leaf number, from 0
	To         string `json:"to"`          // state after, or empty
}

// NewLeaf returns row seq for e. Detail stays out of it. It refuses an entry
// whose words have not the shape of identifiers.
func NewLeaf(seq int64, e Entry) (Leaf, error) {
	l := Leaf{
		Action:     e.Action,
		Actor:      e.Actor.Label(),
		At:         e.At.UTC().Format(time.RFC3339),
		Digest:     hex.EncodeToString(e.Digest),
		From:       e.From,
		ObjectID:   e.ObjectID,
		ObjectKind: e.ObjectKind,
		Seq:        seq,
		To:         e.To,
	}
	return l, l.check()
}

// Encode returns the bytes that are hashed.
func (l Leaf) Encode() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode leaf %d: %w", l.Seq, err)
	}
	return b, nil
}

// ParseLeaf reads what Encode wrote and refuses every other spelling.
func ParseLeaf(b []byte) (Leaf, error) {
	var l Leaf
	if len(b) > maxLeafBytes {
		return Leaf{}, fmt.Errorf("a leaf of %d bytes; the limit is %d", len(b), maxLeafBytes)
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return Leaf{}, fmt.Errorf("leaf is no JSON: %w", err)
	}
	again, err := l.Encode()
	if err != nil {
		return Leaf{}, err
	}
	if !bytes.Equal(again, b) {
		return Leaf{}, fmt.Errorf("leaf %d is not in canonical form", l.Seq)
	}
	return l, nil
}

func (l Leaf) check() error {
	shapes := []struct {
		field, value string
		shape        *regexp.Regexp
	}{
		{"action", l.Action, actionShape},
		{"actor", l.Actor, actorShape},
		{"digest", l.Digest, digestShape},
		{"from", l.From, stateShape},
		{"object_id", l.ObjectID, objectShape},
		{"object_kind", l.ObjectKind, kindShape},
		{"to", l.To, stateShape},
	}
	for _, s := range shapes {
		if !s.shape.MatchString(s.value) {
			return fmt.Errorf("leaf %d: %s %q has not the shape %s", l.Seq, s.field, s.value, s.shape)
		}
	}
	if l.Seq < 0 {
		return fmt.Errorf("leaf number %d is negative", l.Seq)
	}
	at, err := time.Parse(time.RFC3339, l.At)
	if err != nil || at.UTC().Format(time.RFC3339) != l.At {
		return fmt.Errorf("leaf %d: time %q is not RFC 3339 in UTC and whole seconds", l.Seq, l.At)
	}
	return nil
}

// Row is what a store writes for one leaf: the leaf, and the hashes that it
// completes, the first of them at index FirstHash of the hash storage.
type Row struct {
	Seq       int64
	Leaf      []byte
	FirstHash int64
	Hashes    []tlog.Hash
}

// Append returns row seq, seq being the number of rows so far. The caller holds
// a lock that keeps other appends out until its transaction ends; stored reads
// hashes of earlier rows inside that transaction.
func Append(seq int64, e Entry, stored tlog.HashReader) (Row, error) {
	leaf, err := NewLeaf(seq, e)
	if err != nil {
		return Row{}, err
	}
	return AppendLeaf(leaf, stored)
}

// AppendLeaf is Append for a leaf that says its number.
func AppendLeaf(leaf Leaf, stored tlog.HashReader) (Row, error) {
	b, err := leaf.Encode()
	if err != nil {
		return Row{}, err
	}
	hashes, err := Hashes(leaf.Seq, b, stored)
	if err != nil {
		return Row{}, err
	}
	return Row{Seq: leaf.Seq, Leaf: b, FirstHash: tlog.StoredHashIndex(0, leaf.Seq), Hashes: hashes}, nil
}

// Hashes returns the hashes to store for the leaf bytes of row seq, the first at
// index tlog.StoredHashIndex(0, seq).
func Hashes(seq int64, leaf []byte, stored tlog.HashReader) ([]tlog.Hash, error) {
	hashes, err := tlog.StoredHashes(seq, leaf, stored)
	if err != nil {
		return nil, fmt.Errorf("hash leaf %d: %w", seq, err)
	}
	return hashes, nil
}

// HashList is the hash storage of a whole tree in memory, in storage order.
type HashList []tlog.Hash

// ReadHashes fails for an index that the list does not have.
func (l HashList) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(l)) {
			return nil, fmt.Errorf("hash %d is not among the %d", at, len(l))
		}
		out[i] = l[at]
	}
	return out, nil
}
