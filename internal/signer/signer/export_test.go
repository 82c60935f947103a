package signer

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// PolicyOn returns p as a signer of params goes by it.
func PolicyOn(p Policy, params *chaincfg.Params) (Policy, error) { return p.on(params) }

// Disk says how the file of a journal fails.
type Disk struct {
	Write, Sync, Truncate error
	Partial               int // bytes that get through before Write
}

// Fail makes j's file fail until heal is called.
func Fail(j *Journal, d Disk) (heal func()) {
	good := j.f
	j.f = failing{good, d}
	return func() { j.f = good }
}

type failing struct {
	file
	d Disk
}

func (f failing) Write(p []byte) (int, error) {
	if f.d.Write == nil {
		return f.file.Write(p)
	}
	n, err := f.file.Write(p[:min(len(p), f.d.Partial)])
	if err != nil {
		return n, err
	}
	return n, f.d.Write
}

func (f failing) Sync() error {
	if f.d.Sync != nil {
		return f.d.Sync
	}
	return f.file.Sync()
}

func (f failing) Truncate(size int64) error {
	if f.d.Truncate != nil {
		return f.d.Truncate
	}
	return f.file.Truncate(size)
}

// VerifySignatures runs what the signer runs on its own signatures.
func VerifySignatures(packet *psbt.Packet, key *Key) error {
	bare, prevTxs, err := wallet.TakePrevTxs(packet)
	if err != nil {
		return err
	}
	p := &proposal{packet: bare, prevTxs: prevTxs}
	r := rules{params: key.Params(), descriptor: key.Descriptor()}
	if err := r.checkInputs(p); err != nil {
		return err
	}
	return verifySignatures(p, key.Descriptor())
}

// TimesOf returns the times of a signer on mainnet with a charter, whose last line is of a time
// and who was shown a header.
func TimesOf(now, header, line time.Time) (authority.Times, error) {
	s := &Signer{
		cfg: Config{
			Key: &Key{params: &chaincfg.MainNetParams}, Journal: &Journal{last: line.Unix()}, Clock: clock.NewFake(now),
		},
		state:  authority.New(decision.Network{}, uuid.Nil),
		newest: header,
	}
	return s.times()
}

// WriteMany adds lines to the journal at path as Take would, without waiting for the disk after
// each, until it has so many.
func WriteMany(path string, lines int64, act func(i int64) Act) error {
	j, err := OpenJournal(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(j.f)
	for j.Count() < lines {
		a := act(j.Count())
		h := a.place()
		h.V, h.Seq, h.Prev, h.Kind = actVersion, j.Count()+1, j.head, a.kind()
		line, err := encodeAct(a)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
		j.add(len(line), sha256.Sum256(line), h.Time)
	}
	return errors.Join(w.Flush(), j.writeCheckpoint(), j.Close())
}
