package signer

import (
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
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
